package server_test

import "testing"

// This file is what sync-protocol.js adds to the sample protocol: it cuts large sets into
// several messages.

// cutting returns what sends uploads in messages of as many changes as the schedule says,
// of any number if it says nothing. The last one is acknowledged for all of them. The
// first one of a set that Dexie.Syncable has not cut itself begins that set.
func (p *page) cutting(send func(u upload, first bool, accepted func())) func(u upload, accepted func()) {
	most := p.client.world.settings.cutTo
	if most == 0 {
		return func(u upload, accepted func()) { send(u, false, accepted) }
	}
	return func(u upload, accepted func()) {
		first := !u.partial && !p.node.withinSet
		for message := u; len(u.changes) > most; first = false {
			message.changes, u.changes = u.changes[:most], u.changes[most:]
			message.partial = true
			send(message, first, func() {})
		}
		send(u, first, func() {
			p.node.withinSet = u.partial
			accepted()
		})
	}
}

// TestModelOfCutSets runs schedules in which clients cut sets of few changes.
func TestModelOfCutSets(t *testing.T) {
	for i := range *modelSchedules / 10 {
		s := newSchedule(*modelSeed+uint64(i), kindsOf(*modelFaults))
		s.settings.cutTo = 1 + i%2
		if result := runSchedule(t, s, *modelSchedules == 10); len(result.failures) > 0 {
			report(t, s, result)
		}
	}
}

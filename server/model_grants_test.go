package server_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"syncabled/server"
)

// grants are what the clients of a schedule may do. The zero value is everything,
// of a server without an Authorizer.
type grants struct {
	authorized bool            // the server has an Authorizer
	late       bool            // from its first restart on
	readers    map[string]bool // clients that may only read, in the beginning
}

// grant has some schedules restrict what clients may do, and change that if there
// are faults.
func (s *schedule) grant(rng *rand.Rand, horizon time.Duration, changes bool) {
	if rng.IntN(3) > 0 {
		return
	}
	g := grants{authorized: true, late: rng.IntN(4) == 0, readers: map[string]bool{}}
	for i := range s.settings.clients {
		g.readers[clientName(i)] = rng.IntN(2) == 0
	}
	s.settings.grants = g
	for n := rng.IntN(4); changes && n > 0; n-- {
		kind := pick(rng, stepPermit, stepPermit, stepLogin)
		s.steps = append(s.steps, event{time.Duration(rng.Int64N(int64(horizon))), kind, rng.IntN(s.settings.clients), rng.Uint64()})
	}
}

func clientName(i int) string { return string(rune('A' + i)) }

// authorizer returns that of the start-th server.
func (g grants) authorizer(start int) server.Authorizer {
	if !g.authorized || g.late && start == 1 {
		return nil
	}
	return headerGrants{}
}

// subject is who is logged in.
func (c *modelClient) subject() string { return fmt.Sprintf("%s%d", c.name, c.user.Load()) }

// grant is what a connection of the client may do that begins now.
func (c *modelClient) grant() string {
	switch {
	case c.borrowed != "":
		return c.borrowed
	case c.readOnly.Load():
		return c.subject() + " read"
	}
	return c.subject()
}

// permit has a client write that might not, or the other way round, from its next
// connection on. The one that it has may be closed for that.
func (w *world) permit(c *modelClient, wires []*wire, rng *rand.Rand) {
	c.readOnly.Store(!c.readOnly.Load())
	w.trace("%s may write from now on: %t", c.name, !c.readOnly.Load())
	if rng.IntN(2) == 0 {
		return
	}
	for _, wire := range wires {
		wire.cut()
	}
}

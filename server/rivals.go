package server

import (
	"hash/maphash"
	"net"
	"time"

	"github.com/coder/websocket"

	"syncabled/protocol"
)

// This file tells two devices with one identity, such as a phone and another that was
// restored from its backup, from one client with two connections. Only one connection
// speaks for a peer, so of two devices one would be muted or late, wait without end,
// and nobody would know.
//
// A connection that waits is closed, to see who comes back, if there is reason to
// suspect it. A client that has lost one of its connections closes the one that speaks,
// and then connects again. So if the speaker is still there when a new connection has
// come, and answers a ping, the connection that was closed and the new one are of
// another device than the speaker. When that has happened twice it is taken for certain:
// the device that comes is refused for as long as the other one is connected. If the
// speaker is closed too, it was one client, which has lost some seconds, and it is left
// alone for an hour.
//
// What clients end themselves shows nothing: pages are reloaded beside a window that
// sleeps.

// Rivals are what shows that several devices use the identity of a peer.
type rivals struct {
	outlived time.Time // when a connection was closed that the speaker did not end with; zero if none was, or it has come back
	tested   time.Time // when a connection was closed to see who comes back; zero if it was another device
	returns  int       // that show two devices
	returned bool      // one did
	since    time.Time // when the first one of these was, or a device was refused last

	// heard has what the speaker has sent since there are other connections, in part.
	heard map[uint64]struct{}
}

const (
	rivalReturns = 2
	rivalTime    = 10 * time.Minute // within which they are

	// settledTime is how long a speaker has to have spoken for its client to know that it
	// is the connection to close.
	settledTime = 4 * time.Second

	suspicionTime = 10 * time.Second
	testInterval  = time.Hour
	testsInSecond = 10 // of all clients
)

var (
	anotherDevice = closing{code: websocket.StatusPolicyViolation,
		reason: "another device uses this identity; see 'Two devices with one identity' in the handbook"}
	anotherSpeaks = closing{code: websocket.StatusServiceRestart, reason: "another connection speaks for this client"}
)

// suspects returns what is known of rivals. The caller holds mu.
func (p *peer) suspects() *rivals {
	if p.rivals == nil {
		p.rivals = &rivals{heard: map[uint64]struct{}{}}
	}
	return p.rivals
}

// noteOutlived notes that a connection was closed to see who comes back. The caller
// holds mu.
func (p *peer) noteOutlived() {
	if p.isSettled() {
		p.suspects().outlived = time.Now()
	}
}

// isSettled reports whether there is a speaker whose client knows that it is the
// connection to close. The caller holds mu.
func (p *peer) isSettled() bool {
	return p.speaker != nil && time.Since(p.speaker.identified) > settledTime
}

// isRival reports whether a new session is of another device than the speaker, which
// has answered since the session came.
func (p *peer) isRival(s *session) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.rivals
	if r == nil {
		return false
	}
	if time.Since(r.since) > rivalTime {
		r.returns = 0
	}
	known := r.returns >= rivalReturns
	if !r.outlived.IsZero() && !r.outlived.After(s.link.accepted) {
		r.outlived, r.tested = time.Time{}, time.Time{}
		r.returned = true
		if r.returns++; r.returns == 1 {
			r.since = time.Now()
		}
	}
	if r.returns < rivalReturns {
		return false
	}
	r.since = time.Now()
	if !known {
		s.server.counts.identityConflicts.Add(1)
	}
	return true
}

// hasRivals reports whether several devices may use the identity: what one of them has
// changed another one may lack.
func (p *peer) hasRivals() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rivals != nil && p.rivals.returned
}

// warnOfRival tells the operator that a session is of another device than the
// speaker.
func (s *session) warnOfRival(speaker *session) {
	if s.server.warnings.allow("rivals " + s.db.name + " " + s.identity) {
		s.logger().Warn().Str("client", s.identity).Str("other", speaker.remote).
			Msg("two devices use one identity, so only one of them can sync: one was restored from a backup or copied; " +
				"on that one, delete the app's data, or have the app call db.syncable.delete(url) before it connects; " +
				"see 'Two devices with one identity' in the handbook")
	}
}

// suspect has a session that does not speak closed after a while, to see who comes
// back.
func (p *peer) suspect(s *session) {
	time.AfterFunc(suspicionTime, func() { p.test(s) })
}

// test closes a session if it still does not speak and another one does, unless that
// has been tried. After an outage many clients have two connections, so it takes its
// time.
func (p *peer) test(s *session) {
	p.mu.Lock()
	_, waits := p.muted[s]
	due := waits && p.speaker != nil && p.suspects().mayTest()
	now := due && p.isSettled() && s.server.tests.Allow()
	if now {
		p.rivals.tested = time.Now()
	}
	p.mu.Unlock()
	switch {
	case now:
		s.close(anotherSpeaks)
	case due:
		p.suspect(s)
	}
}

func (r *rivals) mayTest() bool {
	return r.tested.IsZero() || time.Since(r.tested) > testInterval
}

// overhear looks at what a muted session says. A client sends every set on all of its
// connections. If the speaker does not send what this one does, it is suspicious. A
// client that gets no acknowledgement sends one set, so one look is enough.
func (s *session) overhear(text []byte) {
	if s.overheard {
		return
	}
	msg, offence := protocol.Decode(text, s.server.config.Limits)
	set, isSet := msg.(protocol.Changes)
	if offence != nil || !isSet || len(set.Changes) == 0 {
		return
	}
	s.overheard = true
	prints := fingerprints(set.Changes)
	p := s.peer
	time.AfterFunc(takeUpTime, func() {
		if !p.hasHeard(prints) {
			p.test(s)
		}
	})
}

// hear notes what the speaker sends while there are other connections.
func (p *peer) hear(changes []protocol.Change) {
	if !p.doubled.Load() {
		return
	}
	prints := fingerprints(changes)
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.suspects()
	if len(r.heard) > mostHeard {
		clear(r.heard)
	}
	for _, print := range prints {
		r.heard[print] = struct{}{}
	}
}

// hasHeard reports whether the speaker has sent one of some changes.
func (p *peer) hasHeard(prints []uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, print := range prints {
		if _, heard := p.suspects().heard[print]; heard {
			return true
		}
	}
	return false
}

// mostHeard is how many changes of a speaker are known, and mostPrints how many of
// one set.
const (
	mostHeard  = 1000
	mostPrints = 64
)

var printSeed = maphash.MakeSeed()

// fingerprints returns what tells the first changes of a set from others.
func fingerprints(changes []protocol.Change) []uint64 {
	var prints []uint64
	var hash maphash.Hash
	hash.SetSeed(printSeed)
	for _, c := range changes[:min(len(changes), mostPrints)] {
		hash.Reset()
		_ = hash.WriteByte(byte(c.Type)) // hashes do not fail
		for _, text := range []string{c.Table, string(c.Key), string(c.Obj), string(c.Mods)} {
			_, _ = hash.WriteString(text)
			_ = hash.WriteByte(0)
		}
		prints = append(prints, hash.Sum64())
	}
	return prints
}

// comesFrom returns the host that a session is from.
func (s *session) comesFrom() string {
	if host, _, err := net.SplitHostPort(s.remote); err == nil {
		return host
	}
	return s.remote
}

package server

import (
	"time"

	"github.com/coder/websocket"
)

// This file is about sessions that are late: what their client sends first is older
// than something that it did on another connection since.

// startOver is for a late session if the one that should go on is gone.
var startOver = closing{code: websocket.StatusServiceRestart, reason: "another connection has sent something newer"}

// A client makes up the first set of a connection before it dials. What it did
// since is newer: took in a batch, or an acknowledgement, on another connection.
// When that was is not known here; it is estimated from what the handshake takes,
// and an answer on the other connection. If both are quick, the client hardly gets
// to delete anything meanwhile: it does so twice a second.
const quickAnswer = 20 * time.Millisecond

// A guess says how long it may have been from the making up of a set to the
// handshake, as a multiple of what an answer takes.
type guess struct {
	answers time.Duration
	most    time.Duration
}

var (
	// If the other connection can go on, nothing is lost by a guess that is too long.
	patient = guess{30, 10 * time.Second}
	// If it cannot, the client starts over. One that has lost its connection dials
	// again after 5 s, which should do.
	hasty = guess{3, 4 * time.Second}
)

// madeUp returns when the client may have made up what it sends first, at the
// earliest. A connection that was used before is older than that, but no handshake
// is.
func (s *session) madeUp(roundTrip time.Duration, g guess) time.Time {
	handshake := min(s.identified.Sub(s.link.accepted), handshakeTimeout)
	answer := max(0, handshake-quickAnswer, roundTrip-quickAnswer)
	return s.identified.Add(-handshake - min(g.answers*answer, g.most))
}

// yield mutes a late session. Nothing of it is acknowledged: Dexie.Syncable would
// take that as how far it has got, look for its next changes in a part of its log
// that it may have deleted, and never send anything again.
func (p *peer) yield(s *session) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.speaker == nil { // it has ended just now
		return startOver
	}
	s.muted, s.late = true, true
	p.muted[s] = struct{}{}
	p.doubled.Store(true)
	p.suspect(s)
	return nil
}

// takeUpTime is how long the speaker may take to send what a late session brought.
const takeUpTime = 2 * time.Second

// expectSet has the client start over if the speaker does not send anything. It may
// have stopped looking for changes while the late session's set was made up.
func (p *peer) expectSet(late *session) {
	time.AfterFunc(takeUpTime, func() {
		if !p.spokeSince(late.identified) {
			late.close(startOver)
		}
	})
}

// spokeSince reports whether a set was acknowledged that was not the first of its
// connection.
func (p *peer) spokeSince(t time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.spoke.After(t)
}

// A client whose answers are quick can be slow to make up its first set all the
// same. That takes no longer than slowSet. In less than tooSoon it has hardly
// deleted anything that it was acknowledged.
const (
	slowSet = time.Second
	tooSoon = 50 * time.Millisecond
)

// spokeBefore reports whether a set was acknowledged in the time in which the client
// may have made up what the session sends first, and not just now.
func (p *peer) spokeBefore(s *session) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	ago := s.link.accepted.Sub(p.spoke)
	return ago > tooSoon && ago < slowSet
}

// activeSince reports whether that happened, or a batch was sent.
func (s *session) activeSince(t time.Time) bool {
	return s.peer.spokeSince(t) || s.dispatched().last > momentOf(t)
}

// speaking notes that a set is acknowledged that is not the first of its connection.
func (p *peer) speaking() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spoke = time.Now()
}

package server

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"syncabled/protocol"
)

// A peer is one client database, whatever connections it has. Clients often have
// two: after an outage they open one more than they close, and send every set on
// both. The newest connection speaks for the peer; the one before is muted, but
// not closed, because the client would then drop both and start over.
type peer struct {
	turn     turn // held for the time of a takeover
	sessions int  // that have it; guarded by database.peersMu

	doubled atomic.Bool  // it has sessions that do not speak
	changed atomic.Int64 // the moment when a set with changes came last
	strayed atomic.Int64 // the moment since when a batch may come on a connection that was cut; 0 if none may

	// Guarded by mu.
	mu      sync.Mutex
	sent    dispatch              // as its connections have told
	speaker *session              // nil if no connection is left that speaks for it
	muted   map[*session]struct{} // the others
	spoke   time.Time             // when a set was acknowledged last that was not the first of its connection
	owners  owners                // the sessions that may write
	rivals  *rivals               // nil as long as nothing shows that there are some
}

// peer returns the peer of an identity, to be released. Nothing is known of what
// was sent to an identity that is not listed, but that it ends at db.sentAll: the
// head as of the opening of the log, or what a peer was sent that was forgotten.
func (db *database) peer(identity string, isNew bool) *peer {
	db.peersMu.Lock()
	defer db.peersMu.Unlock()
	p := db.peers[identity]
	if p == nil {
		db.forgetPeers()
		p = &peer{turn: newTurn(), muted: map[*session]struct{}{}}
		if !isNew {
			p.sent.position = db.sentAll
		}
		db.peers[identity] = p
	}
	p.sessions++
	return p
}

// listedPeers returns the peers of identities. One that is not listed has no
// connection.
func (db *database) listedPeers(identities []string) []*peer {
	db.peersMu.Lock()
	defer db.peersMu.Unlock()
	var listed []*peer
	for _, identity := range identities {
		if p := db.peers[identity]; p != nil {
			listed = append(listed, p)
		}
	}
	return listed
}

func (db *database) releasePeer(p *peer) {
	db.peersMu.Lock()
	defer db.peersMu.Unlock()
	p.sessions--
}

// mostPeers is how many peers are listed, unless there are as many connections.
const mostPeers = 50_000

// forgetPeers forgets those without a connection, if there are too many.
func (db *database) forgetPeers() {
	if len(db.peers) < mostPeers {
		return
	}
	maps.DeleteFunc(db.peers, func(_ string, p *peer) bool {
		if p.sessions == 0 {
			db.sentAll = max(db.sentAll, p.dispatched(dispatch{}).position)
		}
		return p.sessions == 0
	})
}

// A dispatch is what is known of the batches that were sent to a peer, or on one of
// its connections.
type dispatch struct {
	position protocol.Revision // the highest that one ends at; the peer may hold any part of what lies before it
	last     moment            // when the last one began to be sent
}

func (d *dispatch) add(more dispatch) {
	d.position = max(d.position, more.position)
	d.last = max(d.last, more.last)
}

// dispatched adds what was sent on a connection, and returns all that connections
// have told. They do when their feeds end, and when they want to know.
func (p *peer) dispatched(more dispatch) dispatch {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent.add(more)
	return p.sent
}

// takeOver makes a session speak for the peer. If another one did, that is then muted,
// unless the session is late: then it is muted itself, and the other one goes on.
// It reports whether the client may have sent changes on the other one after it made up
// what it sends first on this one.
func (p *peer) takeOver(s *session) (stale bool, err error) {
	p.turn.Lock()
	defer p.turn.Unlock()
	before := p.current()
	if before == nil {
		if ruleLate && p.spokeSince(s.madeUp(0, hasty)) {
			return false, startOver
		}
		p.appoint(s)
		return false, nil
	}
	opened := before.awaitOpening()
	roundTrip, answers := before.probe()
	if !answers && ruleFence {
		before.cut()
	}
	if answers && p.isRival(s) {
		s.warnOfRival(before)
		return false, anotherDevice
	}
	late, err := p.replace(before, s, roundTrip, opened && answers)
	if err != nil || late {
		return false, err
	}
	if ruleMute {
		before.mute()
	}
	if before.comesFrom() != s.comesFrom() {
		p.suspect(before)
	}
	if !answers {
		roundTrip = 0 // it is not known
	}
	madeUp := s.madeUp(roundTrip, patient).Add(-slowSet)
	return ruleTakeover && moment(p.changed.Load()) > momentOf(madeUp), nil
}

// replace has a session speak in place of another one, or, if it is late, the
// other one go on.
func (p *peer) replace(before, s *session, roundTrip time.Duration, canGoOn bool) (late bool, err error) {
	before.interrupt()
	defer before.busy.Unlock()
	switch {
	case !ruleLate:
	case canGoOn && (before.activeSince(s.madeUp(roundTrip, patient)) || p.spokeBefore(s) || before.link.accepted.After(s.link.accepted)):
		return true, p.yield(s)
	case p.spokeSince(s.madeUp(roundTrip, hasty)):
		return true, startOver
	}
	before.muted = ruleMute
	p.appoint(s)
	return false, nil
}

func (p *peer) current() *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.speaker
}

// appoint makes a session the speaker. The one before, if any, is muted.
func (p *peer) appoint(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.speaker != nil {
		p.muted[p.speaker] = struct{}{}
		p.doubled.Store(true)
	}
	if p.rivals != nil {
		p.rivals.outlived = time.Time{}
	}
	p.speaker = s
}

// leave notes that a session has ended.
func (p *peer) leave(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !s.grant.ReadOnly {
		p.owners.number--
	}
	_, waited := p.muted[s]
	delete(p.muted, s)
	p.doubled.Store(len(p.muted) > 0)
	if p.speaker != s {
		if waited && *s.end.Load() == anotherSpeaks {
			p.noteOutlived()
		}
		return
	}
	p.speaker = nil
	if ruleReturn && len(p.muted) > 0 {
		time.AfterFunc(returnTime, p.closeMuted)
	}
}

// returnTime is how long a client may take to come back that closed the
// connection that spoke for it.
const returnTime = 10 * time.Second

// closeMuted closes the muted connections if none speaks for the peer. The one
// that spoke last may have been the older one, of a page that is gone: what it
// sent came in late. The client of the other one does not know that it is muted.
func (p *peer) closeMuted() {
	p.mu.Lock()
	var muted []*session
	if p.speaker == nil {
		muted = slices.Collect(maps.Keys(p.muted))
	}
	p.mu.Unlock()
	for _, s := range muted {
		s.close(closing{code: websocket.StatusServiceRestart, reason: "an older connection took over and has ended"})
	}
}

// fenceTime is how long a session that is muted may take to prove that it has
// received all it was sent.
const fenceTime = 2 * time.Second

// openingTime is how long a session that is to be muted may take to get its first
// batch. The app that opened it may be waiting for nothing else.
const openingTime = time.Second

// probe measures how long the client takes for an answer, or until it is known that
// there is none: at once if it has closed the connection.
func (s *session) probe() (roundTrip time.Duration, answers bool) {
	start := time.Now()
	err := s.pingInTime()
	return time.Since(start), err == nil
}

// awaitOpening waits until the client has its first batch, and reports whether it has.
func (s *session) awaitOpening() bool {
	patience := time.NewTimer(openingTime)
	defer patience.Stop()
	select {
	case <-s.opened:
		return true
	case <-s.ended:
	case <-patience.C:
	}
	return false
}

// mute ends the pushing of a session that is muted, and leaves its connection
// open. When mute returns, the client has all that was sent, or the connection is
// cut.
func (s *session) mute() {
	slow := time.AfterFunc(fenceTime, s.cut)
	s.endFeed()
	slow.Stop()
	if ruleFence && s.pingInTime() != nil {
		s.cut()
	}
}

// interrupt locks busy between two messages. A message may be handled for as long as it
// takes, but if the client takes too long to take in the answer, the connection is cut.
func (s *session) interrupt() {
	for atWork := s.atWork.Load(); ; {
		select {
		case s.busy <- struct{}{}:
			return
		case <-time.After(fenceTime):
		}
		before := atWork
		if atWork = s.atWork.Load(); !atWork && !before {
			s.cut()
		}
	}
}

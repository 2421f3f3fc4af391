package server

import (
	"context"
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
	// sent is the highest position that a batch sent to the peer ends at. The
	// peer may hold any part of what lies before it.
	sent atomic.Uint64

	turn     turn // held for the time of a takeover
	sessions int  // that have it; guarded by database.peersMu

	// Guarded by mu.
	mu      sync.Mutex
	speaker *session              // nil if no connection is left that speaks for it
	muted   map[*session]struct{} // the others
	spoke   time.Time             // when a set was acknowledged last that was not the first of its connection
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
			p.sent.Store(uint64(db.sentAll))
		}
		db.peers[identity] = p
	}
	p.sessions++
	return p
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
			db.sentAll = max(db.sentAll, protocol.Revision(p.sent.Load()))
		}
		return p.sessions == 0
	})
}

// sending notes that a batch is about to be sent.
func (p *peer) sending(to protocol.Revision) {
	for {
		sent := p.sent.Load()
		if uint64(to) <= sent || p.sent.CompareAndSwap(sent, uint64(to)) {
			return
		}
	}
}

// takeOver makes a session speak for the peer. It reports whether another one
// did, which is then muted. If that one has to go on instead, the session is
// muted, or to be closed, as the error says.
func (p *peer) takeOver(s *session) (stale bool, err error) {
	p.turn.Lock()
	defer p.turn.Unlock()
	before := p.current()
	if before != nil {
		before.awaitOpening()
	}
	if !p.appoint(s, before) {
		return false, p.yield(s, before)
	}
	if before == nil {
		return false, nil
	}
	if ruleMute {
		before.mute()
	}
	return ruleTakeover, nil
}

func (p *peer) current() *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.speaker
}

// appoint makes a session the speaker, in place of the one before, if any. It
// does not if the session is late.
func (p *peer) appoint(s, before *session) bool {
	if before != nil {
		slow := time.AfterFunc(fenceTime, before.cut)
		defer slow.Stop()
		before.busy.Lock()
		defer before.busy.Unlock()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if ruleLate && p.isLate(s) {
		return false
	}
	if before != nil {
		before.muted = ruleMute
	}
	if p.speaker != nil {
		p.muted[p.speaker] = struct{}{}
	}
	p.speaker = s
	return true
}

// isLate reports whether a session comes after something that the client did after
// it made up what it sends first: the client has a newer connection, or was
// acknowledged something on another one. The caller holds mu.
func (p *peer) isLate(s *session) bool {
	return p.speaker != nil && p.speaker.link.accepted.After(s.link.accepted) || p.spoke.After(s.dialled())
}

// yield has the speaker go on in place of a late session, of which nothing is
// acknowledged. Dexie.Syncable would take that as how far it has got: it would look
// for its next changes in a part of its log that it may have deleted, and never
// send anything again. If the speaker is gone, the client is to start over.
func (p *peer) yield(s, speaker *session) error {
	if speaker == nil || speaker.ping(context.Background(), fenceTime) != nil {
		if speaker != nil {
			speaker.cut()
		}
		return closing{code: websocket.StatusServiceRestart, reason: "another connection has sent something newer"}
	}
	s.muted, s.late = true, true
	p.mu.Lock()
	defer p.mu.Unlock()
	p.muted[s] = struct{}{}
	return nil
}

// A client makes up the first set of a connection before it dials. How long the
// dialling took, and the acknowledgement that it did not know of then, is not known
// here. It is estimated from what the handshake took. In the time of a quick one the
// client hardly gets to delete anything: it does so twice a second.
const (
	quickHandshake = 20 * time.Millisecond
	dialHandshakes = 3
	longestDial    = 5 * time.Second
)

// dialled returns when the client may have begun to dial, at the earliest. It is
// called with the first message, when the handshake has just ended. A connection
// that was used before is older than that, but no handshake is.
func (s *session) dialled() time.Time {
	handshake := min(time.Since(s.link.accepted), handshakeTimeout)
	dial := min(dialHandshakes*max(0, handshake-quickHandshake), longestDial)
	return time.Now().Add(-handshake - dial)
}

// speaking notes that a set is acknowledged that is not the first of its connection.
func (p *peer) speaking() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spoke = time.Now()
}

// leave notes that a session has ended.
func (p *peer) leave(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.muted, s)
	if p.speaker != s {
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

// awaitOpening waits until the client has its first batch.
func (s *session) awaitOpening() {
	patience := time.NewTimer(openingTime)
	defer patience.Stop()
	select {
	case <-s.opened:
	case <-s.ended:
	case <-patience.C:
	}
}

// mute ends the pushing of a session that is muted, and leaves its connection
// open. When mute returns, the client has all that was sent, or the connection is
// cut.
func (s *session) mute() {
	slow := time.AfterFunc(fenceTime, s.cut)
	defer slow.Stop()
	s.stopPushing()
	s.pushing.Wait()
	if ruleFence && s.ping(context.Background(), fenceTime) != nil {
		s.cut()
	}
}

// cut breaks the connection, with all that has not arrived.
func (s *session) cut() {
	_ = s.link.discard()
	_ = s.conn.CloseNow()
}

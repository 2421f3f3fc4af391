package server

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"syncabled/revlog"
)

// This file is about sets of which a part is held when somebody comes that may not send
// the rest: a subject that presents an identity of another one, or, with the same
// identity, one that may only read. The rest may still come over a connection of the
// identity that may write. So the set is left to that one. If it ends without the rest,
// the set is committed as it is.

// A wish is for what is held of a client to be committed when nobody is left who may
// send the rest. The channel is closed when nothing of it is held any more.
type wish chan struct{}

// owners are the connections of a peer that may write, and what waits for their end.
type owners struct {
	number int // guarded by the peer's mu
	wish   atomic.Pointer[wish]
}

// enter counts a session of the peer, before it speaks for it.
func (p *peer) enter(s *session) {
	if s.grant.ReadOnly {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.owners.number++
}

// wishFinished returns nil if nobody may go on with what is held. Otherwise that is
// committed when nobody is left.
func (p *peer) wishFinished() wish {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.owners.number == 0 {
		return nil
	}
	if p.owners.wish.Load() == nil {
		w := make(wish)
		p.owners.wish.Store(&w)
	}
	return *p.owners.wish.Load()
}

// fulfil notes that nothing is held any more.
func (p *peer) fulfil() {
	if p.owners.wish.Load() == nil { // as good as always
		return
	}
	if w := p.owners.wish.Swap(nil); w != nil {
		close(*w)
	}
}

// hasDueWish reports whether somebody waits for the end of owners, and it has come.
func (p *peer) hasDueWish() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.owners.number == 0 && p.owners.wish.Load() != nil
}

// finishFor commits what is held of an identity in whose place the session goes on, if
// nobody may send the rest.
func (s *session) finishFor(ctx context.Context, identity string) error {
	p := s.db.peer(identity, false)
	defer s.db.releasePeer(p)
	wished, err := p.finishNow(func() error { return s.finishAs(ctx, identity) })
	if err != nil || wished == nil {
		return err
	}
	if s.server.offenders.allow(identity + " is presented by another subject") {
		s.logger().Warn().Str("client", identity).Str("subject", s.grant.Subject).
			Msg("a subject presents the identity of another one that is connected; it gets an identity of its own")
	}
	s.awaitOwners(p, wished)
	return nil
}

// finishNow calls finish if nobody may send the rest, and nobody comes meanwhile.
// Otherwise it returns a wish.
func (p *peer) finishNow(finish func() error) (wish, error) {
	p.turn.Lock()
	defer p.turn.Unlock()
	if w := p.wishFinished(); w != nil {
		return w, nil
	}
	return nil, finish()
}

// finishAs commits what is held of an identity.
func (s *session) finishAs(ctx context.Context, identity string) error {
	receipt, err := s.db.log.Submit(ctx, revlog.Finish{Client: identity, Time: s.server.config.Now(), Connection: s.id, Limits: s.server.config.setLimits()})
	s.logCollisions(receipt.Collisions)
	return err
}

// finishLeft commits what is held of the session's client if somebody wished that, and
// the session was the last one that could have gone on with it.
func (s *session) finishLeft() {
	p := s.peer
	if !p.hasDueWish() {
		return
	}
	p.turn.Lock()
	defer p.turn.Unlock()
	if !p.hasDueWish() { // somebody has come
		return
	}
	// The part may have got no answer, so it counts as one of another connection.
	_, err := s.db.log.Submit(context.Background(), revlog.Finish{Client: s.identity, Time: s.server.config.Now(), Limits: s.server.config.setLimits()})
	if err != nil && !errors.Is(err, revlog.ErrClosed) {
		s.logger().Error().Err(err).Str("client", s.identity).Msg("finish held sets")
	}
	p.fulfil()
}

// awaitOwners waits until a wish is fulfilled, or an owner has shown that it is there. A
// client whose user has changed is quicker back, now and then, than it is known that its
// connection has ended. What it changed before should be committed before what it
// changes now.
func (s *session) awaitOwners(p *peer, wished wish) {
	ctx, cancel := context.WithCancel(context.Background())
	var asking sync.WaitGroup
	defer asking.Wait()
	defer cancel()
	there := make(chan struct{}, 1)
	for _, owner := range p.connections() {
		if owner.grant.ReadOnly {
			continue
		}
		asking.Go(func() {
			if !owner.checkPeer(ctx) {
				return
			}
			select {
			case there <- struct{}{}:
			default:
			}
		})
	}
	patience := time.NewTimer(s.server.config.PingTimeout + fenceTime)
	defer patience.Stop()
	select {
	case <-wished:
	case <-there:
	case <-patience.C:
	}
}

// connections returns the sessions that speak for the peer, or did.
func (p *peer) connections() []*session {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]*session, 0, 1+len(p.muted))
	if p.speaker != nil {
		all = append(all, p.speaker)
	}
	for s := range p.muted {
		all = append(all, s)
	}
	return all
}

package server

import (
	"context"
	"errors"
	"sync"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/server/socket"
)

// A feed is the pushing to one client. Somebody has it at any time, and nobody
// else may send batches:
//
//	itself      a goroutine of the session, which reads, writes and waits: while
//	            the client is behind, takes in nothing, or needs something that is
//	            for it alone
//	publisher   while the client has everything up to the head
//	reader      the reading side, while a set of the client is committed: what is
//	            new by then goes out with the acknowledgement
type feed struct {
	run   func(push func(ctx, stop context.Context) error) // on a goroutine of the session; static once there is a feed
	place int                                              // among those of the publisher, from 1; guarded by its mu

	// Guarded by mu.
	mu       sync.Mutex
	holder   holder
	position protocol.Revision // that the client has; not kept while it runs itself
	sent     dispatch          // on this connection
	ended    bool
}

type holder int

const (
	byNobody holder = iota
	byItself
	byPublisher
	byReader
)

// startFeed starts to push from the position that the client subscribes from.
func (s *session) startFeed(ctx, stop context.Context, position protocol.Revision) {
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	s.feed.run = func(push func(ctx, stop context.Context) error) {
		s.pushing.Go(func() { s.endPush(stop, protect(func() error { return push(ctx, stop) })) })
	}
	s.feed.holder = byItself
	s.feed.run(func(ctx, stop context.Context) error { return s.push(ctx, stop, position) })
}

// endPush takes in how a goroutine of the feed ended: with an error, unless somebody
// else has the feed now.
func (s *session) endPush(stop context.Context, err error) {
	switch {
	case err == nil, stop.Err() != nil: // the session has ended, or is muted
	case errors.Is(err, errGone):
		_ = s.conn.CloseNow() // ends the reading too
	default:
		s.close(failure(err))
	}
}

// goOnItself has the feed run itself from its position on. The caller holds
// feed.mu.
func (s *session) goOnItself() {
	s.feed.holder = byItself
	s.progress.moved()
	position := s.feed.position
	s.feed.run(func(ctx, stop context.Context) error {
		if err := s.flush(); err != nil {
			return err
		}
		return s.pushOn(ctx, stop, position)
	})
}

// flush sends what is left of what the publisher offered.
func (s *session) flush() error {
	s.writing.Add(1)
	defer s.writing.Add(-1)
	if err := s.conn.Flush(); err != nil {
		return s.gone(err)
	}
	return nil
}

// sending notes that a batch is about to be sent.
func (s *session) sending(to protocol.Revision) {
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	s.feed.sent.add(dispatch{to, thisMoment()})
}

// dispatched tells the peer what was sent on this connection, and returns all that was
// sent to it.
func (s *session) dispatched() dispatch {
	s.feed.mu.Lock()
	sent := s.feed.sent
	s.feed.mu.Unlock()
	return s.peer.dispatched(sent)
}

// restFeed gives the feed to the publisher, unless the client is behind.
func (s *session) restFeed(position protocol.Revision) bool {
	return s.conn.CanOffer() && s.db.publisher.take(s, position)
}

// holdFeed takes the feed from the publisher.
func (s *session) holdFeed() {
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	if s.feed.holder == byPublisher {
		s.feed.holder = byReader
	}
}

// holdsFeed reports whether the reading side has the feed, which nobody takes from
// it.
func (s *session) holdsFeed() bool {
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	return s.feed.holder == byReader
}

// reply sends an answer, and, if the reading side has the feed, a batch with it.
func (s *session) reply(ctx context.Context, answer []byte) error {
	if !s.holdsFeed() {
		return s.write(answer)
	}
	d := drafts.Get().(*draft)
	defer d.reuse()
	d.frames = socket.AppendFrame(d.frames, answer)
	query := revlog.Query{Reader: s.identity, After: s.feed.position, Tables: s.tables.all()}
	// What is large, or waits for the client to be quiet, the feed sends itself.
	page, err := s.beginMessage(ctx, query, &d.message)
	if err == nil && !page.Partial && !page.Repairs {
		if page.Revision > query.After && !page.Idle && (ruleEmpty || page.Count > 0) {
			s.sending(page.Revision)
			s.countPushed(page.Count)
			s.server.counts.messagesSent.Add(1)
			d.message = protocol.EndChanges(d.message, page.Revision, false)
			d.frames = socket.AppendFrame(d.frames, d.message[socket.Headroom:])
		}
		s.feed.position = page.Revision
		s.progress.reached(page.Revision)
	}
	if err := s.writeFrames(d.frames); err != nil {
		return err
	}
	s.server.counts.messagesSent.Add(1)
	s.releaseFeed()
	return nil
}

// releaseFeed gives the feed back.
func (s *session) releaseFeed() {
	if s.restFeed(s.feed.position) {
		return
	}
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	if !s.feed.ended {
		s.goOnItself()
	}
}

// offer is the publisher's: it sends the client a batch, without waiting, or has
// the feed go on itself.
func (s *session) offer(b *broadcast) {
	f := &s.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended || f.holder != byPublisher || f.position >= b.to {
		return
	}
	if f.position != b.from || !b.isFor(s) {
		s.goOnItself()
		return
	}
	received := socket.Sent
	if len(b.frame) > 0 {
		f.sent.add(dispatch{b.to, b.time})
		received = s.conn.Offer(b.frame)
	}
	if received != socket.Busy {
		f.position = b.to
		s.progress.reached(b.to)
		s.countPushed(b.changes)
		if len(b.frame) > 0 {
			s.server.counts.messagesSent.Add(1)
		}
	}
	if received != socket.Sent {
		s.goOnItself()
	}
}

// endFeed ends the pushing. When it returns, nothing more is sent.
func (s *session) endFeed() {
	s.feed.mu.Lock()
	s.feed.ended = true
	s.feed.mu.Unlock()
	s.db.publisher.leave(s)
	s.stopPushing()
	s.pushing.Wait()
	s.progress.end()
	if s.peer != nil {
		s.dispatched()
	}
}

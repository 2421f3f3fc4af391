package server

import (
	"context"
	"errors"
	"time"

	"syncabled/revlog"
)

// This file is about batches that are on their way when their connection is cut. Such a
// batch may come minutes later, after newer ones that came on another connection, and
// then undoes what its client has changed meanwhile. The client learns of the end of the
// connection after that, and comes back. What it gets anew then has in it what nobody
// but itself has touched.

// strayTime is how long a batch may be on its way.
const strayTime = 5 * time.Minute

// cut breaks the connection, with all that has not arrived, unless it is on its way.
func (s *session) cut() {
	s.mayStray()
	_ = s.link.discard()
	_ = s.conn.CloseNow()
}

// mayStray notes that what was sent on a connection that is broken off may be on its way.
func (s *session) mayStray() {
	if s.pushed.Load() > 0 && s.peer != nil {
		s.strays.Store(true)
		s.peer.strayed.Store(int64(thisMoment()))
	}
}

// logStray has the log note that, for the case that the server restarts.
func (s *session) logStray() {
	if !s.strays.Load() {
		return
	}
	_, err := s.db.log.Submit(context.Background(), revlog.Stray{Client: s.identity})
	if err != nil && !errors.Is(err, revlog.ErrClosed) {
		s.logger().Error().Err(err).Str("client", s.identity).Msg("note that a batch may still come")
	}
}

// expectStray has a peer be one that a batch may come to, if that is not known.
func (p *peer) expectStray() {
	p.strayed.CompareAndSwap(0, int64(thisMoment()))
}

// hasStrays reports whether a batch may still come that was sent on a connection that
// was cut.
func (p *peer) hasStrays() bool {
	at := moment(p.strayed.Load())
	return ruleStray && at > 0 && at.age() < strayTime
}

package server

import (
	"context"
	"sync"
	"time"
)

// A rest is what is to come of a set that a client has sent in part. If the client leaves
// it lying the set is finished without it.
type rest struct {
	mu     sync.Mutex
	timer  *time.Timer // nil if nothing was ever waited for
	coming int         // messages that have begun and are not handled
}

// begins notes that a message begins. The client goes on, however long that takes.
func (r *rest) begins() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.coming++
	if r.timer != nil {
		r.timer.Stop()
	}
}

// arrives notes that a message is about to be handled.
func (r *rest) arrives() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.coming--
}

// awaitRest sees to it that a set that the client sent in part is finished if it does
// not go on with it.
func (s *session) awaitRest(ctx context.Context) {
	r := &s.rest
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.coming > 0:
	case r.timer != nil:
		r.timer.Reset(s.server.config.HoldTimeout)
	default:
		r.timer = s.alarms.set(s.server.config.HoldTimeout, func(*time.Timer) {
			if err := s.finishHeld(ctx); err != nil && ctx.Err() == nil {
				s.close(failure(err))
			}
		})
	}
}

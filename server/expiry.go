package server

import (
	"context"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// This file ends sessions whose grants expire. A grant has a date, but the time of day
// may be set while its session lives. So the session ends when either clock says so:
// the time of day, which is looked at every minute, or the monotonic one, when as much
// time has passed as was left when the connection began.

// expired ends a session whose grant has.
var expired = closing{code: websocket.StatusPolicyViolation, reason: "token has expired; come back with a new one"}

// limitTo has the session end when its grant does.
func (s *session) limitTo(grant Grant) {
	s.grant = grant
	if grant.Expires.IsZero() {
		return
	}
	s.grant.Expires = grant.Expires.Round(0) // it is a date, which a clock that is set passes sooner or later
	s.lasts = thisMoment().after(s.grant.Expires.Sub(s.server.config.Now()))
}

// awaitExpiry closes the session when its grant has expired by the monotonic clock.
func (s *session) awaitExpiry() {
	if !s.grant.Expires.IsZero() {
		s.alarms.set(-s.lasts.age(), func(*time.Timer) { s.close(expired) })
	}
}

// expire closes sessions whose grants have expired by the time of day, until ctx is
// done.
func (s *Server) expire(ctx context.Context) {
	var closing sync.WaitGroup
	defer closing.Wait()
	ticker := time.NewTicker(dateInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			for _, session := range s.expiredSessions() {
				closing.Go(func() { session.close(expired) }) // which takes as long as the client does
			}
		case <-ctx.Done():
			return
		}
	}
}

func (s *Server) expiredSessions() (all []*session) {
	now := s.config.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for session := range s.sessions {
		if expires := session.grant.Expires; !expires.IsZero() && !now.Before(expires) {
			all = append(all, session)
		}
	}
	return all
}

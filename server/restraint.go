package server

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"

	"syncabled/revlog"
)

// A restraint bounds what clients that may only read can make the logs grow: each
// object that they change has to be repaired, and the log keeps that, and that a client
// was sent something anew. Both are counted by subject, because a subject can have any
// number of clients.
// A set counts when it has been committed, so the first one may be of any size.
type restraint struct {
	perSecond int

	mu       sync.Mutex
	limiters map[string]*rate.Limiter // by subject
}

// A subject that has refrained for restraintSeconds may send as much at once as in
// all of that time.
const restraintSeconds = 100

// mostRestrained is how many subjects are listed, unless more have used up what they
// may send.
const mostRestrained = 1000

var unrestrained = closing{code: websocket.StatusPolicyViolation,
	reason: "too many changes, or downloads from the start, of one that may only read; wait, or get a token that may write"}

// submitRestrained submits a set, unless the client may only read and has made the log
// grow too much.
func (s *session) submitRestrained(ctx context.Context, set revlog.Set) (revlog.Receipt, error) {
	if !set.ReadOnly || len(set.Changes)+len(set.Refused) == 0 {
		return s.db.log.Submit(ctx, set)
	}
	if !s.server.restraint.allows(s.grant.Subject) {
		return revlog.Receipt{}, unrestrained
	}
	if s.server.offenders.allow(s.identity + " may only read") {
		s.logger().Info().Str("client", s.identity).Str("subject", s.grant.Subject).Msg("undid changes of a client that may only read")
	}
	receipt, err := s.db.log.Submit(ctx, set)
	s.server.restraint.count(s.grant.Subject, 1+receipt.Appended)
	return receipt, err
}

// resync submits a resync, likewise. The log keeps it, so it counts as a change.
func (s *session) resync(ctx context.Context, r revlog.Resync) (revlog.Receipt, error) {
	if !s.grant.ReadOnly {
		return s.db.log.Submit(ctx, r)
	}
	if !s.server.restraint.allows(s.grant.Subject) {
		return revlog.Receipt{}, unrestrained
	}
	receipt, err := s.db.log.Submit(ctx, r)
	s.server.restraint.count(s.grant.Subject, max(1, receipt.Appended))
	return receipt, err
}

func newRestraint(perSecond int) *restraint {
	return &restraint{perSecond: perSecond, limiters: map[string]*rate.Limiter{}}
}

// allows reports whether a subject may send a set.
func (r *restraint) allows(subject string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.limiters[subject]
	return l == nil || l.Tokens() > 0
}

// count counts changes of a subject, even if they are more than it may send.
func (r *restraint) count(subject string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.limiters[subject]
	if l == nil {
		r.forget()
		l = rate.NewLimiter(rate.Limit(r.perSecond), restraintSeconds*r.perSecond)
		r.limiters[subject] = l
	}
	for now := time.Now(); n > 0; n -= l.Burst() {
		l.ReserveN(now, min(n, l.Burst()))
	}
}

// forget forgets subjects that have long sent nothing, if there are too many.
func (r *restraint) forget() {
	if len(r.limiters) < mostRestrained {
		return
	}
	maps.DeleteFunc(r.limiters, func(_ string, l *rate.Limiter) bool { return l.Tokens() >= float64(l.Burst()) })
}

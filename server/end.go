package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// This file ends a server in a bounded time, whatever clients and disks do. Each step
// has until some time after the drain time:
const (
	answerGrace = 500 * time.Millisecond  // messages in hand are answered
	cutGrace    = 750 * time.Millisecond  // clients have taken in their close, or they are cut
	leaveGrace  = time.Second             // sessions have ended; then the databases are closed
	endGrace    = 1500 * time.Millisecond // all has ended; the rest of 2 s is for a machine that is busy
)

// An AbandonedError says which databases could not be closed in time, because a commit,
// or something else that the disk is to do, takes too long. They are as a crash would
// leave them: all that was acknowledged is there when they are opened again. Until the
// process ends, their files may still be written.
type AbandonedError struct {
	Databases []string // sorted
}

func (e *AbandonedError) Error() string {
	named, more := e.Databases, ""
	if n := len(named) - mostNamed; n > 0 {
		named, more = named[:mostNamed], fmt.Sprintf(" and %d more", n)
	}
	return fmt.Sprintf("databases could not be closed in time: %s%s; what was acknowledged is on disk, clients send the rest again",
		strings.Join(named, ", "), more)
}

// mostNamed is how many databases an error names.
const mostNamed = 10

// restarting closes sessions at the end of the server.
var restarting = closing{code: websocket.StatusServiceRestart, reason: "server is restarting"}

// An ending is the end of a server.
type ending struct {
	server *Server
	begun  moment
}

// end ends the server: the plain HTTP side, which sends to ended when it has left the
// listener, what tending waits for, all sessions and all databases.
func (s *Server) end(web *http.Server, ended <-chan error, tending func()) error {
	s.refuseMore()
	e := &ending{server: s, begun: thisMoment()}
	cutting := time.AfterFunc(s.config.DrainTime+cutGrace, s.cutConnections)
	defer cutting.Stop()
	stopped := make(chan error, 1)
	go func() { stopped <- s.stopListening(web, ended) }()
	e.drain()
	err := s.databases.close(e.until(endGrace))
	e.wait(endGrace, tending)
	select {
	case failed := <-stopped:
		err = errors.Join(failed, err)
	case <-e.until(endGrace):
	}
	return err
}

// until returns a channel that has something when a step is to be over.
func (e *ending) until(grace time.Duration) <-chan time.Time {
	return time.After(e.server.config.DrainTime + grace - e.begun.age())
}

// wait waits for something until a step is to be over, and reports whether it has
// ended. If not, nobody waits for it any longer.
func (e *ending) wait(grace time.Duration, something func()) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		something()
	}()
	select {
	case <-done:
		return true
	case <-e.until(grace):
		return false
	}
}

// stopListening ends the plain HTTP side. Sessions have left it: to the web
// server their connections are hijacked.
func (s *Server) stopListening(web *http.Server, ended <-chan error) error {
	ctx, cancel := context.WithTimeout(context.Background(), s.config.DrainTime)
	defer cancel()
	err := web.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = web.Close()
	}
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// refuseMore sees to it that there are no more sessions.
func (s *Server) refuseMore() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
}

// drain closes all sessions, one after the other over the drain time, so that
// they do not all come back at once, and waits for them to end.
func (e *ending) drain() {
	open := e.server.openSessions()
	var closing sync.WaitGroup
	for i, session := range open {
		delay := e.server.config.DrainTime * time.Duration(i) / time.Duration(len(open))
		closing.Go(func() { e.close(session, delay) })
	}
	if e.wait(leaveGrace, func() { closing.Wait(); e.server.running.Wait() }) {
		return
	}
	if left := len(e.server.openSessions()); left > 0 {
		e.server.config.Logger.Warn().Int("connections", left).
			Msg("ending with messages that are still being handled: they get no answer, and their clients send them again")
	}
}

// close closes a session after a delay, when the message in hand is done and answered.
func (e *ending) close(s *session, delay time.Duration) {
	select {
	case <-time.After(delay):
	case <-s.ended:
		return
	}
	select {
	case s.busy <- struct{}{}:
		defer s.busy.Unlock()
	case <-e.until(answerGrace):
	}
	s.close(restarting)
}

// cutConnections cuts all connections that are left.
func (s *Server) cutConnections() {
	close(s.cut)
	left := s.openSessions()
	for _, session := range left {
		_ = session.link.Close() // what its client has not taken in may still arrive
	}
	if len(left) > 0 {
		s.config.Logger.Warn().Int("connections", len(left)).Msg("cut connections that did not end in time")
	}
}

func (s *Server) openSessions() []*session {
	s.mu.Lock()
	defer s.mu.Unlock()
	open := make([]*session, 0, len(s.sessions))
	for session := range s.sessions {
		open = append(open, session)
	}
	return open
}

// cuttable has requests end when connections are cut.
func (s *Server) cuttable(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(r.Context())
		var watching sync.WaitGroup
		watching.Go(func() {
			select {
			case <-s.cut:
				cancel()
				_ = http.NewResponseController(w).SetWriteDeadline(time.Now())
			case <-ctx.Done():
			}
		})
		defer watching.Wait()
		defer cancel()
		handler.ServeHTTP(w, r.WithContext(ctx))
	})
}

package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/coder/websocket"
	"github.com/rs/zerolog"

	"syncabled/protocol"
	"syncabled/revlog"
)

// A session is one connection.
type session struct {
	// Static after newSession.
	server *Server
	conn   *websocket.Conn
	db     *database
	remote string

	busy sync.Mutex // held while a message is handled

	// Owned by the reading side.
	identity   string
	identified bool
	subscribed bool
	received   int // messages
	submitted  int // changes

	pushed  atomic.Int64 // changes sent
	pushing sync.WaitGroup

	closeOnce sync.Once
	end       closing // why it was closed from here
}

// A closing is how a session ends from this side: a close code and a reason of
// at most 123 bytes for the client, and what the operator should know.
type closing struct {
	code   websocket.StatusCode
	reason string
	err    error
}

func (c closing) Error() string { return c.reason }

const longestReason = 123

// runSession runs the session of an accepted connection to its end.
func (s *Server) runSession(conn *websocket.Conn, name, remote string) {
	session := &session{server: s, conn: conn, remote: remote}
	if !s.enter(session) {
		session.close(closing{code: websocket.StatusServiceRestart, reason: "server is restarting"})
		return
	}
	defer s.leave(session)
	db, err := s.databases.acquire(name)
	if err != nil {
		s.config.Logger.Error().Err(err).Str("database", name).Msg("open database")
		session.close(failure(err))
		return
	}
	defer s.databases.release(db)
	session.db = db
	session.run()
}

// run reads messages until the connection ends, and waits for all it started.
func (s *session) run() {
	started := time.Now()
	ctx, cancel := context.WithCancel(context.Background())
	s.conn.SetReadLimit(-1) // readFrame has its own
	var pinging sync.WaitGroup
	pinging.Go(func() { s.ping(ctx) })
	err := s.read(ctx)
	if c := (closing{}); errors.As(err, &c) {
		s.close(c)
	}
	cancel()
	_ = s.conn.CloseNow() // it may be closed already
	pinging.Wait()
	s.pushing.Wait()
	s.log(started, err)
}

// log writes the one event that a session leaves.
func (s *session) log(started time.Time, err error) {
	event := s.logger().Info()
	if s.end.err != nil {
		event = s.logger().Error().Err(s.end.err)
	}
	code, reason := websocket.CloseStatus(err), s.end.reason
	switch {
	case s.end.code != 0:
		code = s.end.code
	case code == -1: // the connection broke
		code = websocket.StatusAbnormalClosure
	}
	event.Str("client", s.identity).
		Int("code", int(code)).
		Str("reason", reason).
		Dur("duration", time.Since(started)).
		Int("messages", s.received).
		Int("changes_in", s.submitted).
		Int64("changes_out", s.pushed.Load()).
		Msg("connection ended")
}

func (s *session) logger() *zerolog.Logger {
	logger := s.server.config.Logger.With().Str("database", s.db.name).Str("remote", s.remote).Logger()
	return &logger
}

// close closes the connection with a code and a reason, once; the read that is
// under way then ends. It may be called from any goroutine.
func (s *session) close(c closing) {
	s.closeOnce.Do(func() {
		if len(c.reason) > longestReason {
			c.reason = strings.ToValidUTF8(c.reason[:longestReason], "")
		}
		s.end = c
		_ = s.conn.Close(c.code, c.reason) // a peer that is gone does not answer
	})
}

// drain closes the session for a restart when the message in hand is done.
func (s *session) drain(delay time.Duration) {
	time.Sleep(delay)
	s.busy.Lock()
	defer s.busy.Unlock()
	s.close(closing{code: websocket.StatusServiceRestart, reason: "server is restarting"})
}

// ping finds out whether the peer is still there.
func (s *session) ping(ctx context.Context) {
	ticker := time.NewTicker(s.server.config.PingInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		answer, cancel := context.WithTimeout(ctx, s.server.config.PingTimeout)
		err := s.conn.Ping(answer)
		cancel()
		if err != nil {
			_ = s.conn.CloseNow() // nobody is there to be told why
			return
		}
	}
}

// errGone says that a frame could not be written: the client is gone, or takes
// nothing in.
var errGone = errors.New("client is gone")

// write sends one frame.
func (s *session) write(ctx context.Context, frame []byte) error {
	if err := s.conn.Write(ctx, websocket.MessageText, frame); err != nil {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	return nil
}

// readFrame reads one message.
func (s *session) readFrame(ctx context.Context) ([]byte, error) {
	kind, r, err := s.conn.Reader(ctx)
	if err != nil {
		return nil, err
	}
	if kind == websocket.MessageBinary {
		return nil, s.offend(ctx, websocket.StatusUnsupportedData, &protocol.Error{
			Message: "binary frame; the protocol is JSON in text frames"})
	}
	limit := int64(s.server.config.Limits.FrameBytes)
	frame, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(frame)) > limit {
		return nil, closing{code: websocket.StatusMessageTooBig,
			reason: "frame is over the size limit; set partialsThreshold in the client's protocol to send smaller ones"}
	}
	return frame, err
}

// failure is the close for trouble that is not the client's.
func failure(err error) closing {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return closing{websocket.StatusTryAgainLater, "disk is full", err}
	case errors.Is(err, revlog.ErrClosed):
		return closing{websocket.StatusGoingAway, "database is being closed", nil}
	case errors.Is(err, revlog.ErrAhead):
		return closing{websocket.StatusPolicyViolation, "revision is ahead of this database, which was replaced or restored since", nil}
	}
	return closing{websocket.StatusInternalError, "internal error", err}
}

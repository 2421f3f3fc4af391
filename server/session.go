package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
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
	// Static after runSession.
	server *Server
	conn   *websocket.Conn
	http   *http.ResponseController // of the handshake: it sets deadlines of the connection
	db     *database
	remote string

	busy chan struct{} // has room for one; full while a message is handled

	// Owned by the reading side.
	identity   string
	identified bool
	subscribed bool
	received   int // messages
	submitted  int // changes

	pushed  atomic.Int64 // changes sent
	pushing sync.WaitGroup

	heard   atomic.Int64 // bytes of messages
	writing atomic.Int64 // frames that are being written

	end atomic.Pointer[closing] // nil until somebody ends it
}

// A closing is how a session ends: a close code and, if it ends from this side, a
// reason of at most 123 bytes for the client and what the operator should know.
type closing struct {
	code   websocket.StatusCode
	reason string
	err    error
}

func (c closing) Error() string { return c.reason }

const longestReason = 123

// runSession runs the session of an accepted connection to its end.
func (s *Server) runSession(conn *websocket.Conn, control *http.ResponseController, name, remote string) {
	session := &session{server: s, conn: conn, http: control, remote: remote, busy: make(chan struct{}, 1)}
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
	s.end.CompareAndSwap(nil, &closing{code: peerCode(err)})
	cancel()
	_ = s.conn.CloseNow() // it may be closed already
	pinging.Wait()
	s.pushing.Wait()
	s.log(started)
}

// peerCode returns the close code of a connection that did not end from this side.
func peerCode(err error) websocket.StatusCode {
	if code := websocket.CloseStatus(err); code != -1 {
		return code
	}
	return websocket.StatusAbnormalClosure // it broke
}

// log writes the one event that a session leaves.
func (s *session) log(started time.Time) {
	end := s.end.Load()
	event := s.logger().Info()
	if end.err != nil {
		event = s.logger().Error().Err(end.err)
	}
	event.Str("client", s.identity).
		Int("code", int(end.code)).
		Str("reason", end.reason).
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

// closeTimeout is how long a peer may take to answer a close, and to take in what
// comes before it.
const closeTimeout = 10 * time.Second

// close closes the connection with a code and a reason, unless it has ended; the
// read that is under way then ends. It may be called from any goroutine.
func (s *session) close(c closing) {
	if len(c.reason) > longestReason {
		c.reason = strings.ToValidUTF8(c.reason[:longestReason], "")
	}
	if !s.end.CompareAndSwap(nil, &c) {
		return
	}
	// Close alone would wait without limit for the rest of a frame.
	_ = s.http.SetReadDeadline(time.Now().Add(closeTimeout))
	_ = s.conn.Close(c.code, c.reason) // a peer that is gone does not answer
}

// drain closes the session for a restart when the message in hand is done and
// answered.
func (s *session) drain(delay time.Duration) {
	time.Sleep(delay)
	select {
	case s.busy <- struct{}{}:
		defer func() { <-s.busy }()
	case <-time.After(closeTimeout):
	}
	s.close(closing{code: websocket.StatusServiceRestart, reason: "server is restarting"})
}

// ping finds out whether a peer that is silent is still there. It cannot be asked
// while a frame goes out to it, which has a timeout of its own, and need not
// answer while one comes in.
func (s *session) ping(ctx context.Context) {
	ticker := time.NewTicker(s.server.config.PingInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		if s.writing.Load() > 0 {
			continue
		}
		heard := s.heard.Load()
		answer, cancel := context.WithTimeout(ctx, s.server.config.PingTimeout)
		err := s.conn.Ping(answer)
		cancel()
		if err != nil && s.heard.Load() == heard && s.writing.Load() == 0 {
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
	s.writing.Add(1)
	defer s.writing.Add(-1)
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
	frame, err := io.ReadAll(io.LimitReader(heardReader{r, &s.heard}, limit+1))
	if err == nil && int64(len(frame)) > limit {
		return nil, closing{code: websocket.StatusMessageTooBig,
			reason: "frame is over the size limit; set partialsThreshold in the client's protocol to send smaller ones"}
	}
	return frame, err
}

// A heardReader counts what comes in. It reads in pieces, because the library's
// readers return only when they have filled the buffer.
type heardReader struct {
	io.Reader
	heard *atomic.Int64
}

func (r heardReader) Read(b []byte) (int, error) {
	const piece = 8 << 10
	n, err := r.Reader.Read(b[:min(len(b), piece)])
	r.heard.Add(int64(n))
	return n, err
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

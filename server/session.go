package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/coder/websocket"
	"github.com/rs/zerolog"
	"golang.org/x/time/rate"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/server/socket"
)

// A session is one connection.
type session struct {
	// Static after runSession has begun.
	server   *Server
	conn     *socket.Conn
	link     *connection // what conn runs over
	db       *database
	id       string // tells it from other sessions, of all time
	remote   string
	address  string        // that counts as the client's
	grant    Grant         // what it may do
	lasts    moment        // when it has expired at the latest, if it expires
	messages *rate.Limiter // of those that come
	started  time.Time

	busy   turn        // held while a message is handled and answered
	atWork atomic.Bool // until there is the answer
	muted  bool        // another connection speaks for the client; guarded by busy

	reading reading

	// Owned by the goroutine that handles messages.
	identity    string
	isNew       bool                // the identity was given on this connection
	predecessor string              // identity that it had until now, if that is another one
	known       revlog.Acquaintance // before this connection
	identified  time.Time           // when the first message came; zero before
	subscribed  bool
	named       []string          // the tables that the client says it has, until it subscribes; nil if it has said nothing
	arrived     protocol.Revision // head as of before its first set
	peer        *peer
	stale       bool // the first set may be older than what the client sent elsewhere
	late        bool // so is the first, and the other connection goes on
	sets        int  // that have come, or messages of them
	composed    composition
	wentOn      bool // a set with changes has come
	overheard   bool // likewise, while it is muted
	holding     bool // the log holds messages of a set that is not complete
	received    int  // messages
	submitted   int  // changes
	upload      upload

	tables      *tableSet    // those the client has, from when it is pushed to; nil means all
	lastSet     atomic.Int64 // the moment when the last set came
	pushed      atomic.Int64 // changes sent
	feed        feed
	pushing     sync.WaitGroup // goroutines of the feed
	stopPushing context.CancelFunc
	answered    bool          // a batch has been sent; owned by the pushing side
	opened      chan struct{} // closed when the first batch has been sent
	ended       chan struct{} // closed when the reading has ended
	alarms      alarms
	rest        rest // of a set that was sent in part

	introduced atomic.Pointer[introduction] // nil until its database is open
	progress   progress

	strays  atomic.Bool  // a batch may still be on its way although the connection was cut
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

// runSession runs a session that was admitted to its end.
func (s *Server) runSession(session *session, name string) {
	session.link.handshake.leave()
	db, err := s.databases.acquire(name)
	if err != nil {
		if !errors.Is(err, restarting) && s.troubles.allow(err.Error()) {
			s.config.Logger.Error().Err(err).Str("database", name).Msg("open database")
		}
		session.close(failure(err))
		s.counts.close(session.end.Load().code)
		s.leave(session)
		return
	}
	session.db = db
	session.introduced.Store(&introduction{database: name})
	session.run()
}

// run begins a session that has its database.
func (s *session) run() {
	ctx, cancel := context.WithCancel(context.Background())
	stop, stopPushing := context.WithCancel(context.Background())
	s.stopPushing = stopPushing
	s.conn.SetReadLimit(-1) // readMessage has its own
	s.awaitExpiry()
	s.watch(ctx)
	s.goOn(&life{session: ctx, pushing: stop, end: cancel}, arrival{})
}

// goOn reads messages until the connection ends, or another goroutine goes on with that.
// The first one may have been read.
func (s *session) goOn(l *life, read arrival) {
	err := protect(func() error { return s.converse(l, read) })
	if !errors.Is(err, errHandedOver) {
		s.finish(l, err)
	}
}

// finish ends a session whose connection has ended, and waits for all that it started.
func (s *session) finish(l *life, err error) {
	defer s.server.leave(s)
	defer func() { s.server.counts.close(s.end.Load().code) }()
	defer s.server.databases.release(s.db)
	if c := (closing{}); errors.As(err, &c) {
		s.close(c)
	}
	close(s.ended)
	s.end.CompareAndSwap(nil, &closing{code: peerCode(err)})
	l.end()
	s.stopPushing()
	_ = s.conn.CloseNow() // it may be closed already
	s.reading.stop()
	s.alarms.end()
	s.endFeed()
	if s.peer != nil {
		s.peer.leave(s)
		s.finishLeft()
		s.logStray()
		s.db.releasePeer(s.peer)
	}
	s.server.tables.release(s.tables)
	s.log()
}

// peerCode returns the close code of a connection that did not end from this side.
func peerCode(err error) websocket.StatusCode {
	if code := websocket.CloseStatus(err); code != -1 {
		return code
	}
	return websocket.StatusAbnormalClosure // it broke
}

// log writes the one event that a session leaves, unless there are too many.
func (s *session) log() {
	end := s.end.Load()
	if !s.server.ends.allow(s.address, end.err) {
		return
	}
	event := s.logger().Info()
	if end.err != nil {
		event = s.logger().Error().Err(end.err)
	}
	event.Str("client", s.identity).
		Int("code", int(end.code)).
		Str("reason", end.reason).
		Dur("duration", time.Since(s.started)).
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
	_ = s.link.SetReadDeadline(time.Now().Add(closeTimeout))
	_ = s.conn.Close(c.code, c.reason) // a peer that is gone does not answer
}

// errGone says that a frame could not be written: the client is gone, or takes
// nothing in.
var errGone = errors.New("client is gone")

// gone returns the error for a frame that could not be written. If the client takes
// nothing in, its connection is closed: TLS would try for some seconds to say so.
func (s *session) gone(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		_ = s.link.Close()
	}
	return fmt.Errorf("%w: %w", errGone, err)
}

// write sends one message.
func (s *session) write(text []byte) error {
	s.writing.Add(1)
	defer s.writing.Add(-1)
	if err := s.conn.Write(text); err != nil {
		return s.gone(err)
	}
	s.server.counts.messagesSent.Add(1)
	return nil
}

// writeFrames sends messages that are frames already.
func (s *session) writeFrames(frames []byte) error {
	s.writing.Add(1)
	defer s.writing.Add(-1)
	if err := s.conn.WriteFrames(frames); err != nil {
		return s.gone(err)
	}
	return nil
}

// errBinary is returned for what is no message.
var errBinary = errors.New("binary frame; the protocol is JSON in text frames")

// readMessage reads one message, to be opened.
func (s *session) readMessage() (*letter, error) {
	kind, r, err := s.conn.Reader(context.Background()) // it ends with the connection
	if err != nil {
		return nil, s.readError(err)
	}
	s.rest.begins()
	if kind == websocket.MessageBinary {
		return nil, errBinary
	}
	limit := int64(s.server.config.Limits.FrameBytes)
	hangUp := func() { _ = s.link.SetReadDeadline(time.Now()) }
	message, err := s.server.inbox.receive(&heardReader{r, &s.heard}, limit, hangUp)
	return message, s.readError(err)
}

// readError returns the close for a message that is too long, or the error as it
// is. A length with its highest bit set the library refuses by itself.
func (s *session) readError(err error) error {
	refused := err != nil && s.conn.TooLong() && websocket.CloseStatus(err) == -1 && !errors.As(err, new(closing))
	if refused || errors.Is(err, socket.ErrTooLong) {
		return tooLong
	}
	return err
}

// A heardReader counts what comes in. It reads in pieces, because the library's
// readers return only when they have filled the buffer.
type heardReader struct {
	io.Reader
	heard *atomic.Int64
}

func (r *heardReader) Read(b []byte) (int, error) {
	const piece = 8 << 10
	n, err := r.Reader.Read(b[:min(len(b), piece)])
	r.heard.Add(int64(n))
	return n, err
}

// protect calls do and turns a panic into a close: what one client brings about
// must not end the sessions of the others.
func protect(do func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = failure(fmt.Errorf("panic: %v\n%s", v, debug.Stack()))
		}
	}()
	return do()
}

// failure is the close for trouble that is not the client's.
func failure(err error) closing {
	var c closing
	switch {
	case errors.As(err, &c):
		return c
	case errors.Is(err, revlog.ErrFull), errors.Is(err, syscall.ENOSPC):
		return closing{websocket.StatusTryAgainLater, "disk is full", err}
	case errors.Is(err, revlog.ErrGivenUp):
		return stays // it has been logged
	case errors.Is(err, revlog.ErrClosed):
		return closing{websocket.StatusGoingAway, "database is being closed", nil}
	case errors.Is(err, revlog.ErrTooMany):
		return closing{websocket.StatusTryAgainLater, "there are as many databases as there may be", nil}
	case errors.Is(err, revlog.ErrDevice):
		return closing{websocket.StatusPolicyViolation, "no database can have the name of a device on Windows: choose another name", err}
	case errors.Is(err, revlog.ErrHeldTooLarge):
		return closing{websocket.StatusMessageTooBig, "the parts of one set are over the limit; the server's operator can raise --max-held-per-client", nil}
	case errors.Is(err, revlog.ErrHeldFull):
		return closing{websocket.StatusTryAgainLater, "too much is held of sets that are not complete", nil}
	}
	return closing{websocket.StatusInternalError, "internal error", err}
}

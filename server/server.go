// Package server speaks the protocol over WebSockets: it takes connections,
// hands the sets of clients to the log of their database, and pushes what others
// change.
//
// # A connection
//
// The path of the URL chooses the database: /db/NAME, or / for the one called
// "default". After the handshake a session runs until either side closes:
//
//	reading   one message at a time, in order: a set is acknowledged when the
//	          log has it on disk; subscribe starts the pushing
//	pushing   read a batch from the position, write it, wait for the log to
//	          move on; there is no queue per client, so a slow one gets fewer,
//	          larger batches
//	pinging   finds peers that are gone without a word
//
// What is not the protocol is answered with an error message and a close; every
// other trouble is a close with a code and a reason, because clients retry after
// a close and give up on nothing else:
//
//	1001  the database is being closed
//	1002  the frame was not the protocol (an error message says what)
//	1003  the frame was binary (likewise)
//	1009  the frame is over the size limit
//	1011  something failed that an operator should look at
//	1012  the server restarts
//	1013  the disk is full
package server

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"syncabled/protocol"
	"syncabled/revlog"
)

// Config configures a Server. Only Open is required; other zero fields mean
// their defaults.
type Config struct {
	// Open opens the log of a database. It is called for the first connection
	// to a database, and again after the database was closed for being idle.
	Open func(name string) (revlog.Log, error)

	// Static, if set, answers requests that are no WebSocket handshake and whose
	// path is not below /db/.
	Static http.Handler

	// AllowOrigin lists patterns of origins whose pages may connect, beside
	// those of the same host and of localhost: of hosts (app.example.com,
	// *.example.com) or whole origins (https://app.example.com). "*" is all.
	AllowOrigin []string

	Limits protocol.Limits

	PingInterval time.Duration // between pings of a connection; default 30 s
	PingTimeout  time.Duration // for the answer to a ping; default 15 s
	WriteTimeout time.Duration // for a client to take in anything of what it is sent; default 30 s
	HoldTimeout  time.Duration // for a subscribed client to go on with a set that it sent in part; default 10 s
	IdleTimeout  time.Duration // from a database's last connection to its closing; default 1 min
	DrainTime    time.Duration // over which connections are closed at the end; default 5 s

	PageChanges int // changes in one message to a client; 0 means the log's default
	PageBytes   int // bytes of the changes in one message to a client; likewise

	Logger zerolog.Logger
}

func (c Config) withDefaults() Config {
	c.Limits = c.Limits.WithDefaults()
	c.PingInterval = cmp.Or(c.PingInterval, 30*time.Second)
	c.PingTimeout = cmp.Or(c.PingTimeout, 15*time.Second)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 30*time.Second)
	c.HoldTimeout = cmp.Or(c.HoldTimeout, 10*time.Second)
	c.IdleTimeout = cmp.Or(c.IdleTimeout, time.Minute)
	c.DrainTime = cmp.Or(c.DrainTime, 5*time.Second)
	return c
}

// A Server serves databases to clients.
type Server struct {
	// Static after New.
	config    Config
	databases *databases
	refusals  *onceLog // origins that were refused
	offenders *onceLog // clients that did not speak the protocol

	// Guarded by mu.
	mu       sync.Mutex
	sessions map[*session]struct{}
	draining bool
	running  sync.WaitGroup // the sessions
}

// New returns a server. It holds nothing until Serve is called.
func New(config Config) *Server {
	config = config.withDefaults()
	return &Server{
		config:    config,
		databases: newDatabases(config.Open, config.IdleTimeout, config.Logger),
		refusals:  newOnceLog(),
		offenders: newOnceLog(),
		sessions:  map[*session]struct{}{},
	}
}

// handshakeTimeout is how long a client may take over the headers of a request.
const handshakeTimeout = 10 * time.Second

// Serve serves the connections of a listener until ctx is done. Then it stops
// listening, lets every session finish the message in hand, closes the sessions,
// spread over the drain time, and the databases. It returns when all that has
// ended. A server serves once.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	web := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: handshakeTimeout,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          httpErrorLog(s.config.Logger),
	}
	ended := make(chan error, 1)
	go func() { ended <- web.Serve(&listener{l, s.config.WriteTimeout}) }()
	var err error
	select {
	case err = <-ended:
		_ = web.Close() // the listener has failed; connections are left
	case <-ctx.Done():
		err = s.stopListening(web, ended)
	}
	s.drain()
	return errors.Join(err, s.databases.close())
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

// drain closes all sessions, one after the other over the drain time, so that
// they do not all come back at once, and waits for them to end.
func (s *Server) drain() {
	s.mu.Lock()
	s.draining = true
	open := make([]*session, 0, len(s.sessions))
	for session := range s.sessions {
		open = append(open, session)
	}
	s.mu.Unlock()
	var closing sync.WaitGroup
	for i, session := range open {
		delay := s.config.DrainTime * time.Duration(i) / time.Duration(len(open))
		closing.Go(func() { session.drain(delay) })
	}
	closing.Wait()
	s.running.Wait()
}

// enter adds a session. It returns false if the server is draining.
func (s *Server) enter(session *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return false
	}
	s.sessions[session] = struct{}{}
	s.running.Add(1)
	return true
}

func (s *Server) leave(session *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, session)
	s.running.Done()
}

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
//	          larger batches. Clients at the head get one frame that is made
//	          for all of them, from the publisher of their database
//	pinging   finds peers that are gone without a word
//
// What is not the protocol is answered with an error message and a close; every
// other trouble is a close with a code and a reason, because clients retry after
// a close and give up on nothing else:
//
//	1001  the database is being closed
//	1002  the frame was not the protocol (an error message says what)
//	1003  the frame was binary (likewise)
//	1008  too many messages a second, or too many changes of one that may only read;
//	      or the token has expired; or another device uses the identity
//	1009  the message is over the size limit, or the parts of a set are
//	1011  something failed that an operator should look at
//	1012  the server restarts, or the client is to start over
//	1013  there is no room: the disk is full, or there are as many connections,
//	      databases, or bytes that wait for something, as there may be
//
// A client that sends bytes faster than it may is read more slowly. A connection
// without a session is closed if there are too many of them and it is the oldest.
package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/time/rate"

	"syncabled/protocol"
	"syncabled/revlog"
)

// Config configures a Server. Only Open is required; other zero fields mean
// their defaults.
type Config struct {
	// Open opens the log of a database. It is called for the first connection
	// to a database, and again after the database was closed for being idle.
	Open func(name string) (revlog.Log, error)

	// Exists, if set, reports whether there is a database, which Open would make
	// otherwise. Operators who ask for one that is not there are told so.
	Exists func(name string) bool

	// Authorizer decides who may connect and what for. Without one, everybody may
	// do everything.
	Authorizer Authorizer

	// Static, if set, answers requests that are no WebSocket handshake, no health
	// check, and whose path is not below /db/.
	Static http.Handler

	// Ready, if set, says why the server should be given no more clients, beside
	// its own reasons. It is asked by health checks of anybody.
	Ready func() error

	// AllowHost lists the hosts that the server answers for without an Authorizer,
	// beside localhost, addresses, and the hosts of AllowOrigin: names, or patterns
	// such as *.example.com. "*" is all. The Host header of a request has to be one of
	// them, or else a page on the web could have its own name lead here (DNS
	// rebinding). Health checks are answered for any.
	AllowHost []string

	// AllowOrigin lists patterns of origins whose pages may connect, beside
	// those of the same host and of localhost: of hosts (app.example.com,
	// *.example.com, [2001:db8::1]:8443) or whole origins
	// (https://app.example.com). * is any characters, and alone it is all origins.
	//
	// Of requests with the cookie of a CookieAuthorizer less is allowed: pages of
	// the same host if they have the scheme that the server is reached by, or https;
	// pages of localhost if the server is reached there, too; and by a pattern
	// without a scheme those of https, and of http on localhost.
	AllowOrigin []string

	// Certificate, if set, has Serve speak TLS. It is asked for the certificate of
	// every connection, so that it can be another one as time goes by.
	Certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)

	Limits protocol.Limits

	MaxConnections           int            // with a session; default 20,000
	MaxConnectionsPerAddress int            // of one address, or one network of IPv6 (64 bits); default any number
	MaxHandshakes            int            // connections without a session, of which then the oldest is closed; default 2000
	TrustProxy               []netip.Prefix // proxies whose X-Forwarded-For says which address a connection is from

	MessagesPerSecond int // that one connection may send, or it is closed; default 10,000
	BytesPerSecond    int // that are read from one connection; default 64 MiB
	ReadOnlyPerSecond int // changes that are undone for one subject that may only read, and resyncs; default 100

	ReceiveDisk   int64  // bytes of large messages that are not complete, beyond which the oldest are given up; default 1 GiB
	ReceiveFolder string // where they are; default that of the system for temporary files

	PingInterval time.Duration // between pings of a connection; default 30 s
	PingTimeout  time.Duration // for the answer to a ping; default 15 s
	WriteTimeout time.Duration // for a client to take in anything of what it is sent, as far as its system acknowledges; default 30 s
	HoldTimeout  time.Duration // for a subscribed client to go on with a set that it sent in part; default 10 s
	HeldExpiry   time.Duration // for a client that is away to come back and go on with a set that it sent in part; default 7 days
	IdleTimeout  time.Duration // from a database's last connection to its closing; default 1 min
	DrainTime    time.Duration // over which connections are closed at the end; default 5 s

	PageChanges int // changes in one message to a client; default 50,000
	PageBytes   int // bytes after which a message to a client ends; default 8 MiB

	Logger zerolog.Logger

	// Now tells the time of day, for what has a date: the end of grants, and when
	// sets are received. It may be set at any moment; nothing else depends on it.
	// Default time.Now.
	Now func() time.Time
}

func (c Config) withDefaults() Config {
	c.Limits = c.Limits.WithDefaults()
	c.MaxConnections = cmp.Or(c.MaxConnections, 20_000)
	c.MaxHandshakes = cmp.Or(c.MaxHandshakes, 2000)
	c.MessagesPerSecond = cmp.Or(c.MessagesPerSecond, 10_000)
	c.BytesPerSecond = cmp.Or(c.BytesPerSecond, 64<<20)
	c.ReadOnlyPerSecond = cmp.Or(c.ReadOnlyPerSecond, 100)
	c.ReceiveDisk = cmp.Or(c.ReceiveDisk, 1<<30)
	c.PingInterval = cmp.Or(c.PingInterval, 30*time.Second)
	c.PingTimeout = cmp.Or(c.PingTimeout, 15*time.Second)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 30*time.Second)
	c.HoldTimeout = cmp.Or(c.HoldTimeout, 10*time.Second)
	c.HeldExpiry = cmp.Or(c.HeldExpiry, 7*24*time.Hour)
	c.IdleTimeout = cmp.Or(c.IdleTimeout, time.Minute)
	c.DrainTime = cmp.Or(c.DrainTime, 5*time.Second)
	c.PageChanges = cmp.Or(c.PageChanges, 50_000)
	c.PageBytes = cmp.Or(c.PageBytes, 8<<20)
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// setLimits returns what bounds the sets that clients send.
func (c *Config) setLimits() revlog.Limits {
	return revlog.Limits{ObjectBytes: c.Limits.ObjectBytes}
}

// A Server serves databases to clients.
type Server struct {
	// Static after New.
	config    Config
	databases *databases
	inbox     *inbox
	refusals  *onceLog // origins and hosts that were refused
	restraint *restraint
	tables    *tableSets
	offenders *onceLog // clients that did not speak the protocol
	wrongURLs *onceLog // handshakes for what is no database
	lookups   *onceLog // other requests for that
	troubles  *onceLog // of this side: databases that could not be opened
	warnings  *onceLog // what is wrong with an app, or how it is used
	ends      *endLog
	ahead     *aheadLog
	stuck     *stuckLog
	tests     *rate.Limiter // of connections, for another device
	health    http.Handler

	counts counts
	tidy   *tidy

	authorizer atomic.Pointer[Authorizer]
	hosts      atomic.Pointer[[]host]          // patterns of those that are answered for
	origins    atomic.Pointer[[]originPattern] // of those that may connect

	// Guarded by mu.
	mu          sync.Mutex
	sessions    map[*session]struct{}
	fromAddress map[string]int // sessions
	draining    bool
	running     sync.WaitGroup // the sessions

	cut chan struct{} // closed when connections that are left at the end are cut
}

// New returns a server. It holds nothing until Serve is called.
func New(config Config) *Server {
	config = config.withDefaults()
	s := &Server{
		config:      config,
		databases:   newDatabases(&config),
		inbox:       newInbox(&config),
		refusals:    newOnceLog(),
		offenders:   newOnceLog(),
		wrongURLs:   newOnceLog(),
		lookups:     newOnceLog(),
		troubles:    newOnceLog(),
		warnings:    newOnceLog(),
		ends:        newEndLog(config.Logger),
		ahead:       newAheadLog(config.Logger),
		stuck:       newStuckLog(),
		tests:       rate.NewLimiter(testsInSecond, testsInSecond),
		restraint:   newRestraint(config.ReadOnlyPerSecond),
		tables:      newTableSets(),
		tidy:        newTidy(),
		sessions:    map[*session]struct{}{},
		fromAddress: map[string]int{},
		cut:         make(chan struct{}),
	}
	s.databases.endSessions = s.endSessions
	s.health = s.Health()
	s.AuthorizeBy(config.Authorizer)
	s.AllowHosts(config.AllowHost)
	s.AllowOrigins(config.AllowOrigin)
	return s
}

// AuthorizeBy puts another Authorizer in place of Config.Authorizer, which was not
// nil, as this one is not. Connections that there are stay.
func (s *Server) AuthorizeBy(a Authorizer) { s.authorizer.Store(&a) }

// AllowHosts puts other patterns in place of Config.AllowHost. Connections that there
// are stay.
func (s *Server) AllowHosts(patterns []string) { s.hosts.Store(parseAll(patterns, parseHostPattern)) }

// AllowOrigins puts other patterns in place of Config.AllowOrigin. Connections that
// there are stay.
func (s *Server) AllowOrigins(patterns []string) {
	s.origins.Store(parseAll(patterns, parseOriginPattern))
}

// handshakeTimeout is how long a client may take over the headers of a request.
const handshakeTimeout = 10 * time.Second

// Serve serves the connections of a listener until ctx is done. Then it stops
// listening, lets every session finish the message in hand, closes the sessions,
// spread over the drain time, and the databases. It returns when all that has
// ended, but no later than two seconds after the drain time: what has not ended by
// then it leaves as it is, and says so. Messages that are left have no answer, so
// their clients send them again. Databases that are left are in an
// [*AbandonedError]. A server serves once.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	web := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: handshakeTimeout,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ConnContext:       withConnection,
		ErrorLog:          httpErrorLog(s.config.Logger),
	}
	var tending sync.WaitGroup
	tended, stopTending := context.WithCancel(ctx)
	defer stopTending()
	tending.Go(func() { s.databases.tend(tended) })
	tending.Go(func() { s.expire(tended) })
	tending.Go(func() { s.tidy.run(tended) })
	tending.Go(func() { s.ends.run(tended) })
	tending.Go(func() { s.ahead.run(tended) })
	ended := make(chan error, 1)
	go func() { ended <- web.Serve(&listener{l, &s.config, newLine(int64(s.config.MaxHandshakes))}) }()
	select {
	case err := <-ended: // the listener has failed; connections are left
		ended <- err
		_ = web.Close()
	case <-ctx.Done():
	}
	stopTending()
	return s.end(web, ended, tending.Wait)
}

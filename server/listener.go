package server

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"syncabled/server/socket"
)

// A listener hands out connections that cannot block a write for ever, are not
// read faster than they may send, and are in the line of handshakes until they
// have a session.
type listener struct {
	net.Listener
	config     *Config
	handshakes *line
}

// honestTime is what a handshake may take before it has to give way. It takes
// less, even if all clients come back at once, because then new ones have to wait.
const honestTime = time.Second

func (l *listener) Accept() (net.Conn, error) {
	for l.handshakes.isBusy(honestTime) {
		time.Sleep(honestTime / 50)
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	socket.LimitUnsent(conn)
	c := &connection{
		Conn:     conn,
		accepted: time.Now(),
		timeout:  l.config.WriteTimeout,
		bytes:    rate.NewLimiter(rate.Limit(l.config.BytesPerSecond), max(l.config.BytesPerSecond, readPiece)),
		closed:   make(chan struct{}),
	}
	c.handshake = l.handshakes.join(func() { _ = c.Close() })
	c.handshake.add(1)
	if l.config.Certificate != nil {
		return tls.Server(c, l.config.encryption()), nil
	}
	return c, nil
}

// encryption returns how TLS is spoken. WebSockets of HTTP/2 are something else, so
// that is not offered.
func (c *Config) encryption() *tls.Config {
	return &tls.Config{
		GetCertificate: c.Certificate,
		NextProtos:     []string{"http/1.1"},
		MinVersion:     tls.VersionTLS12,
	}
}

// A connection fails a write of which the peer takes in nothing for the timeout, as
// far as its system acknowledges. The peer of a large write on a slow line has all the
// time it needs.
type connection struct {
	net.Conn
	accepted  time.Time
	timeout   time.Duration
	bytes     *rate.Limiter
	handshake *place

	closeOnce sync.Once
	closeErr  error
	closed    chan struct{}

	written  atomic.Int64 // bytes
	answered atomic.Int64 // pieces, by the peer itself

	// latest is when writes fail at the latest, nil if there is no such time.
	latest atomic.Pointer[time.Time]
}

// readPiece is the most that is read at once.
const readPiece = 64 << 10

// Read reads, and then waits for as long as the client has to wait before it may
// send more. What it sends meanwhile stays in the network.
func (c *connection) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b[:min(len(b), readPiece)])
	if wait := c.bytes.ReserveN(time.Now(), n).Delay(); wait > 0 {
		select {
		case <-time.After(wait):
		case <-c.closed:
		}
	}
	return n, err
}

// writePiece is what has to go out within one timeout where the system does not tell
// what the peer takes in.
const writePiece = 64 << 10

func (c *connection) Write(b []byte) (int, error) {
	written := 0
	for {
		n, err := c.writePiece(b[written:min(len(b), written+writePiece)])
		written += n
		if err != nil || written == len(b) {
			return written, err
		}
	}
}

// writePiece writes until the peer has taken in nothing since the timeout. While it
// waits it asks the system now and then. The room in the system's buffer says too
// little: a writer is told of it when much of the buffer is free. What a proxy holds is
// acknowledged as seldom, but the peer answers what it gets from there.
func (c *connection) writePiece(b []byte) (written int, err error) {
	progress, before, answered := time.Now(), -1, c.answered.Load() // -1 is not known
	for {
		if err := c.Conn.SetWriteDeadline(c.deadline(progress)); err != nil {
			return written, err
		}
		n, err := c.Conn.Write(b[written:])
		written += n
		c.written.Add(int64(n))
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return written, err
		}
		left, ok := socket.Unacknowledged(c.Conn)
		now := c.answered.Load()
		if ok && before >= 0 && left < before+n || now != answered {
			progress = time.Now()
		}
		if before, answered = left, now; !ok {
			before = -1
		}
		if c.isOver(progress) {
			return written, err
		}
	}
}

// askInterval is how long a write waits until it is asked what the peer has taken in,
// or, with short timeouts, a quarter of the timeout.
const askInterval = 5 * time.Second

// deadline returns when to look after a write that made progress last at a time.
func (c *connection) deadline(progress time.Time) time.Time {
	deadline := time.Now().Add(min(askInterval, c.timeout/4))
	if end := progress.Add(c.timeout); end.Before(deadline) {
		deadline = end
	}
	if latest := c.latest.Load(); latest != nil && latest.Before(deadline) {
		return *latest
	}
	return deadline
}

// isOver reports whether a write is to be given up that made progress last at a time.
func (c *connection) isOver(progress time.Time) bool {
	now, latest := time.Now(), c.latest.Load()
	return now.Sub(progress) >= c.timeout || latest != nil && !now.Before(*latest)
}

// SetWriteDeadline has writes fail at t, if the timeout does not come first. TLS
// does not take long over its last words, and so a close does not either.
func (c *connection) SetWriteDeadline(t time.Time) error {
	if t.IsZero() {
		c.latest.Store(nil)
	} else {
		c.latest.Store(&t)
	}
	return c.Conn.SetWriteDeadline(t)
}

func (c *connection) SetDeadline(t time.Time) error {
	if err := c.SetWriteDeadline(t); err != nil {
		return err
	}
	return c.Conn.SetReadDeadline(t)
}

func (c *connection) Close() error {
	c.closeOnce.Do(func() {
		c.handshake.leave()
		close(c.closed)
		c.closeErr = c.Conn.Close()
	})
	return c.closeErr
}

// discard closes the connection without a word, and has the system give up what the peer has not
// taken in yet. Otherwise that could still arrive, much later.
func (c *connection) discard() error {
	if tcp, ok := c.Conn.(interface{ SetLinger(seconds int) error }); ok {
		_ = tcp.SetLinger(0) // fails if the connection is gone
	}
	return c.Close()
}

type connectionKey struct{}

// withConnection lets a handler know the connection of its request; it is the
// ConnContext of the web server. TLS is on top of the connection.
func withConnection(ctx context.Context, conn net.Conn) context.Context {
	if encrypted, ok := conn.(*tls.Conn); ok {
		conn = encrypted.NetConn()
	}
	return context.WithValue(ctx, connectionKey{}, conn)
}

// connectionOf returns the connection of a request, if it came from a listener.
func connectionOf(r *http.Request) (c *connection, ok bool) {
	c, ok = r.Context().Value(connectionKey{}).(*connection)
	return c, ok
}

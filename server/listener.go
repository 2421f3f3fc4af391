package server

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
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
	c := &connection{
		Conn:     conn,
		accepted: time.Now(),
		timeout:  l.config.WriteTimeout,
		bytes:    rate.NewLimiter(rate.Limit(l.config.BytesPerSecond), max(l.config.BytesPerSecond, readPiece)),
		closed:   make(chan struct{}),
	}
	c.handshake = l.handshakes.join(func() { _ = c.Close() })
	c.handshake.add(1)
	return c, nil
}

// A connection fails a write of which the peer takes in nothing for the timeout.
// The peer of a large write on a slow line has all the time it needs.
type connection struct {
	net.Conn
	accepted  time.Time
	timeout   time.Duration
	bytes     *rate.Limiter
	handshake *place

	closeOnce sync.Once
	closeErr  error
	closed    chan struct{}
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

// writePiece is what has to go out within one timeout.
const writePiece = 64 << 10

func (c *connection) Write(b []byte) (int, error) {
	written := 0
	for {
		piece := b[written:min(len(b), written+writePiece)]
		if err := c.SetWriteDeadline(time.Now().Add(c.timeout)); err != nil {
			return written, err
		}
		n, err := c.Conn.Write(piece)
		written += n
		if err != nil || written == len(b) {
			return written, err
		}
	}
}

func (c *connection) Close() error {
	c.closeOnce.Do(func() {
		c.handshake.leave()
		close(c.closed)
		c.closeErr = c.Conn.Close()
	})
	return c.closeErr
}

// discard closes the connection, and has the system give up what the peer has not
// taken in yet. Otherwise that could still arrive, much later.
func (c *connection) discard() error {
	if tcp, ok := c.Conn.(interface{ SetLinger(seconds int) error }); ok {
		_ = tcp.SetLinger(0) // fails if the connection is gone
	}
	return c.Close()
}

type connectionKey struct{}

// withConnection lets a handler know the connection of its request; it is the
// ConnContext of the web server.
func withConnection(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, conn)
}

// connectionOf returns the connection of a request, if it came from a listener.
func connectionOf(r *http.Request) (c *connection, ok bool) {
	c, ok = r.Context().Value(connectionKey{}).(*connection)
	return c, ok
}

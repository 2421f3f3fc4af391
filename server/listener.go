package server

import (
	"net"
	"time"
)

// A listener hands out connections whose writes cannot block for ever.
type listener struct {
	net.Listener
	timeout time.Duration
}

func (l *listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &stallConn{conn, l.timeout}, nil
}

// A stallConn fails a write of which the peer takes in nothing for the timeout.
// The peer of a large write on a slow line has all the time it needs.
type stallConn struct {
	net.Conn
	timeout time.Duration
}

// writePiece is what has to go out within one timeout.
const writePiece = 64 << 10

func (c *stallConn) Write(b []byte) (int, error) {
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

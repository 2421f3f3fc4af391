package socket

import "net"

// A Meter is a connection that knows what its peer has not taken in.
type Meter interface {
	// Unacknowledged returns how many bytes of what was written the system of the
	// peer has not acknowledged. It is false if that is not known.
	Unacknowledged() (bytes int, ok bool)
}

// Unacknowledged returns how many bytes of what was written to a connection the
// system of the peer has not acknowledged, sent or not. It is false if that is not
// known: the connection is neither a Meter nor one of TCP, it is closed, or the
// system does not tell.
func Unacknowledged(conn net.Conn) (bytes int, ok bool) {
	switch conn := conn.(type) {
	case Meter:
		return conn.Unacknowledged()
	case *net.TCPConn:
		return unacknowledged(conn)
	}
	return 0, false
}

// LimitUnsent bounds what the system takes for a connection before it is sent, which
// can be megabytes otherwise. A write then waits for a slow peer, but one of 64 KiB
// to a peer that keeps up does not. It changes nothing but connections of TCP.
func LimitUnsent(conn net.Conn) {
	if conn, ok := conn.(*net.TCPConn); ok {
		limitUnsent(conn)
	}
}

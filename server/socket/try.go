package socket

import "net"

// A Trier is a connection that can be written to without waiting.
type Trier interface {
	// TryWrite writes what goes out at once, which may be nothing.
	TryWrite([]byte) (int, error)
}

// tryWriter returns what writes to a connection without waiting, nil if there is
// no way to.
func tryWriter(conn net.Conn) func([]byte) (int, error) {
	if t, ok := conn.(Trier); ok {
		return t.TryWrite
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		return tcpTryWriter(tcp)
	}
	return nil
}

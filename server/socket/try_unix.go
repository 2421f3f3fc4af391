//go:build unix

package socket

import (
	"net"
	"syscall"
)

// A tcpTry calls the system, for which the sockets of the net package do not
// block. Only one call at a time may be made.
type tcpTry struct {
	raw syscall.RawConn

	// What is passed to a call would otherwise be allocated with each.
	call func(fd uintptr)
	b    []byte
	n    int
	err  error
}

// begin reports whether it can be used for a connection.
func (t *tcpTry) begin(conn *net.TCPConn) bool {
	raw, err := conn.SyscallConn()
	t.raw, t.call = raw, t.write
	return err == nil
}

// TryWrite implements Trier. The write side of a RawConn would wait for its turn
// and prepare to wait for the network, and neither is done here.
func (t *tcpTry) TryWrite(b []byte) (int, error) {
	t.b, t.n, t.err = b, 0, nil
	err := t.raw.Control(t.call)
	t.b = nil
	if err == nil {
		err = t.err
	}
	return t.n, err
}

func (t *tcpTry) write(fd uintptr) {
	for {
		t.n, t.err = syscall.Write(int(fd), t.b)
		if t.err != syscall.EINTR {
			break
		}
	}
	if t.err == syscall.EAGAIN {
		t.err = nil
	}
	t.n = max(t.n, 0)
}

//go:build unix

package socket

import (
	"net"
	"sync"
	"syscall"
)

// A tcpTry calls the system, for which the sockets of the net package do not
// block.
type tcpTry struct{ raw syscall.RawConn }

// begin reports whether it can be used for a connection.
func (t *tcpTry) begin(conn *net.TCPConn) bool {
	raw, err := conn.SyscallConn()
	t.raw = raw
	return err == nil
}

// TryWrite implements Trier. The write side of a RawConn would wait for its turn
// and prepare to wait for the network, and neither is done here.
func (t *tcpTry) TryWrite(b []byte) (int, error) {
	a := attempts.Get().(*attempt)
	a.b, a.n, a.err = b, 0, nil
	err := t.raw.Control(a.call)
	if err == nil {
		err = a.err
	}
	n := a.n
	a.b = nil
	attempts.Put(a)
	return n, err
}

// An attempt is what is passed to one call of the system and back. Would it be
// allocated with each, or lie with each connection, a frame for many clients would
// cost more.
type attempt struct {
	call func(fd uintptr)
	b    []byte
	n    int
	err  error
}

var attempts = sync.Pool{New: func() any {
	a := new(attempt)
	a.call = a.write
	return a
}}

func (a *attempt) write(fd uintptr) {
	for {
		a.n, a.err = syscall.Write(int(fd), a.b)
		if a.err != syscall.EINTR {
			break
		}
	}
	if a.err == syscall.EAGAIN {
		a.err = nil
	}
	a.n = max(a.n, 0)
}

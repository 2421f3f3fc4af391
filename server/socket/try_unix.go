//go:build unix

package socket

import (
	"net"
	"syscall"
)

// tcpTryWriter calls the system, for which the sockets of the net package do not
// block. Only one call at a time may be made.
func tcpTryWriter(conn *net.TCPConn) func([]byte) (int, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil
	}
	t := &rawTry{raw: raw}
	t.call = t.write
	return t.try
}

// A rawTry keeps what is passed to a call, which would otherwise be allocated
// with each.
type rawTry struct {
	raw  syscall.RawConn
	call func(fd uintptr) bool
	b    []byte
	n    int
	err  error
}

func (t *rawTry) try(b []byte) (int, error) {
	t.b, t.n, t.err = b, 0, nil
	err := t.raw.Write(t.call)
	t.b = nil
	if err == nil {
		err = t.err
	}
	return t.n, err
}

func (t *rawTry) write(fd uintptr) bool {
	for {
		t.n, t.err = syscall.Write(int(fd), t.b)
		switch {
		case t.err == syscall.EINTR:
			continue
		case t.err == syscall.EAGAIN:
			t.err = nil
			fallthrough
		case t.err != nil:
			t.n = max(t.n, 0)
		}
		return true // never wait
	}
}

//go:build linux || darwin

package socket

import (
	"net"

	"golang.org/x/sys/unix"
)

// maxUnsent is twice what a write to a peer that keeps up may have: a system takes
// more as soon as half of it is sent.
const maxUnsent = 128 << 10

func limitUnsent(conn *net.TCPConn) {
	control(conn, func(fd int) {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, maxUnsent) // larger buffers only cost memory
	})
}

func unacknowledged(conn *net.TCPConn) (bytes int, ok bool) {
	err := net.ErrClosed
	control(conn, func(fd int) { bytes, err = outgoing(fd) })
	return bytes, err == nil
}

// control calls f with the descriptor of a connection that is open.
func control(conn *net.TCPConn, f func(fd int)) {
	if raw, err := conn.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { f(int(fd)) }) // fails if the connection is closed
	}
}

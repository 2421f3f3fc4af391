package socket

import "golang.org/x/sys/unix"

// outgoing returns the bytes that a socket holds until they are acknowledged.
func outgoing(fd int) (int, error) { return unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_NWRITE) }

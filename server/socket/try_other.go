//go:build !unix

package socket

import "net"

// tcpTryWriter returns nil: there is no way.
func tcpTryWriter(*net.TCPConn) func([]byte) (int, error) { return nil }

//go:build !unix

package socket

import "net"

// A tcpTry is of no use: there is no way.
type tcpTry struct{}

func (*tcpTry) begin(*net.TCPConn) bool { return false }

// TryWrite implements Trier.
func (*tcpTry) TryWrite([]byte) (int, error) { return 0, nil }

//go:build !linux && !darwin

package socket

import "net"

// sendBuffer has room for a few frames that are offered.
const sendBuffer = 256 << 10

func limitUnsent(conn *net.TCPConn) { _ = conn.SetWriteBuffer(sendBuffer) } // larger ones only cost memory

func unacknowledged(*net.TCPConn) (bytes int, ok bool) { return 0, false }

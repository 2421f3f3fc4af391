package socket

import (
	"io"
	"net"
	"runtime"
	"testing"
	"time"
)

// pair returns both ends of a connection, of which the first has little that is not
// sent.
func pair(t *testing.T) (near, far *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialled, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dialled.Close(); accepted.Close() })
	_ = dialled.(*net.TCPConn).SetReadBuffer(64 << 10) // what its system holds is acknowledged
	LimitUnsent(accepted)
	return accepted.(*net.TCPConn), dialled.(*net.TCPConn)
}

// What a peer reads is acknowledged; what it leaves is not, once its system is full.
func TestUnacknowledged(t *testing.T) {
	near, far := pair(t)
	if _, ok := Unacknowledged(near); !ok {
		if runtime.GOOS == "linux" || runtime.GOOS == "darwin" {
			t.Error("the system does not tell")
		}
		t.Skip("the system does not tell")
	}
	written := fillUp(t, near)
	left, _ := Unacknowledged(near)
	if left == 0 || left > written {
		t.Errorf("of %d bytes that nobody reads %d are not acknowledged", written, left)
	}
	go func() { _, _ = io.Copy(io.Discard, far) }()
	for deadline := time.Now().Add(time.Minute); left > 0; left, _ = Unacknowledged(near) {
		if time.Now().After(deadline) {
			t.Fatalf("%d bytes are not acknowledged after a minute", left)
		}
		time.Sleep(time.Millisecond)
	}
	near.Close()
	if left, ok := Unacknowledged(near); ok {
		t.Errorf("of a closed connection %d bytes are not acknowledged", left)
	}
}

// A frame of the largest size that is offered fits, and the system takes no more than
// some of these for a peer that reads nothing.
func TestUnsentIsLimited(t *testing.T) {
	near, far := pair(t)
	var try tcpTry
	if !try.begin(near) {
		t.Skip("frames cannot be offered")
	}
	frame := make([]byte, 64<<10)
	for range 100 {
		if n, err := try.TryWrite(frame); n != len(frame) || err != nil {
			t.Fatalf("TryWrite: %d, %v", n, err)
		}
		if _, err := io.ReadFull(far, make([]byte, len(frame))); err != nil {
			t.Fatal(err)
		}
	}
	if n := fillUp(t, near); n > 1<<20 {
		t.Errorf("the system took %d bytes", n)
	}
}

// fillUp writes until no more is taken for a while, and returns how much was.
func fillUp(t *testing.T, conn *net.TCPConn) int {
	t.Helper()
	written, b := 0, make([]byte, 16<<10)
	for {
		if err := conn.SetWriteDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		n, err := conn.Write(b)
		if written += n; err != nil {
			return written
		}
	}
}

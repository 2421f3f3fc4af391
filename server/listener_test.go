package server

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

func TestConnectionWritesAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, size := range []int{0, 1, writePiece - 1, writePiece, writePiece + 1, 3*writePiece + 7} {
			near, far := net.Pipe()
			sent := bytes.Repeat([]byte("0123456789"), size/10+1)[:size]
			go func() {
				n, err := (&connection{Conn: near, timeout: time.Second}).Write(sent)
				if n != size || err != nil {
					t.Errorf("Write of %d bytes: %d, %v", size, n, err)
				}
				near.Close()
			}()
			received, err := io.ReadAll(far)
			if !bytes.Equal(received, sent) || err != nil {
				t.Errorf("of %d bytes %d came, or others; %v", size, len(received), err)
			}
		}
	})
}

// Every piece of a large write has the whole timeout.
func TestConnectionLetsSlowPeersRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		defer near.Close()
		go func() {
			piece := make([]byte, writePiece)
			for range 10 {
				time.Sleep(9 * time.Second)
				if _, err := io.ReadFull(far, piece); err != nil {
					t.Error(err)
				}
			}
		}()
		n, err := (&connection{Conn: near, timeout: 10 * time.Second}).Write(make([]byte, 10*writePiece))
		if n != 10*writePiece || err != nil {
			t.Errorf("Write: %d, %v", n, err)
		}
	})
}

func TestConnectionGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		defer near.Close()
		go func() { _, _ = io.ReadFull(far, make([]byte, writePiece+100)) }() // and no more
		conn := &connection{Conn: near, timeout: 10 * time.Second}
		start := time.Now()
		n, err := conn.Write(make([]byte, 3*writePiece))
		if n != writePiece+100 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Write: %d, %v; want %d, %v", n, err, writePiece+100, os.ErrDeadlineExceeded)
		}
		if waited := time.Since(start); waited != 10*time.Second {
			t.Errorf("gave up after %v, want 10s", waited)
		}
		// A deadline that has passed does not stand in the way of the next write.
		go func() { _, _ = io.ReadFull(far, make([]byte, 3)) }()
		if n, err := conn.Write([]byte("abc")); n != 3 || err != nil {
			t.Errorf("next Write: %d, %v", n, err)
		}
	})
}

package server_test

import (
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"syncabled/protocol"
	"syncabled/server"
)

func TestSlowDownloadTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		a := s.connect("/", nil)
		a.send(identity("a"), largeSet(1))
		a.expect(firstAck)

		// Five minutes, in which it can answer no ping: the answer would have to
		// overtake what the server is sending.
		b := s.connectThrough("/", nil, func(conn net.Conn) net.Conn { return slowConn{conn, 3500} })
		b.send(identity("b"), subscribe(0))
		time.Sleep(6 * time.Minute)
		if n := len(b.received()); n != 1 || !b.isOpen() {
			t.Errorf("after the download the client has %d batches and its connection is open: %t; want 1, true", n, b.isOpen())
		}
	})
}

func TestSlowUploadTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		a := s.connectRaw("/")
		a.write(frame(opText, identity("a")))
		// The answer to a ping has to wait until the frame is out.
		a.writeSlowly(frame(opText, largeSet(1)), 3500)
		if got := a.nextText(); got != firstAck {
			t.Errorf("got %s, want %s", got, firstAck)
		}
	})
}

func TestUploadThatStopsIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		a := s.connectRaw("/")
		a.write(frame(opText, identity("a")))
		a.write(frame(opText, largeSet(1))[:10_000])
		a.expectDropped(90 * time.Second)
	})
}

// A client that is closed may be in the middle of a frame, and stay there.
func TestClosingDoesNotWaitForRestOfFrame(t *testing.T) {
	tests := []struct {
		name  string
		start []byte
	}{
		{"frame over the limit", append(frameHeader(opText, 1<<30), strings.Repeat("x", 2000)...)},
		{"binary frame", frameHeader(opBinary, 1<<30)},
		{"frame after an offence", append(frame(opText, "{}"), frameHeader(opText, 1<<30)...)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startSite(t, server.Config{Limits: protocol.Limits{FrameBytes: 1000}})
				a := s.connectRaw("/")
				a.write(test.start)
				a.expectDropped(20 * time.Second)
			})
		})
	}
}

func TestStuckClientHoldsNobodyBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{PingInterval: time.Hour})
		a, b, stuck := s.connect("/", nil), s.connect("/", nil), s.connect("/", nil)
		a.send(identity("a"), subscribe(0))
		b.send(identity("b"), subscribe(0))
		stuck.send(identity("stuck"), subscribe(0))
		a.received()
		b.received()

		stuck.link.hold(true)
		a.send(largeSet(1))
		if n := len(b.received()); n != 1 {
			t.Errorf("the other client got %d batches, want 1", n)
		}
		a.send(changes(2, object("more", 1)))
		if n := len(b.received()); n != 1 {
			t.Errorf("then the other client got %d batches, want 1", n)
		}
		time.Sleep(29 * time.Second)
		if !stuck.isOpen() {
			t.Error("the stuck client was dropped before the write timeout")
		}
		time.Sleep(2 * time.Second)
		if stuck.isOpen() {
			t.Error("the stuck client was not dropped after the write timeout")
		}
	})
}

func TestHandshakeThatDoesNotComeIsDropped(t *testing.T) {
	for name, start := range map[string]string{"silence": "", "half": "GET / HTTP/1.1\r\nHost: "} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startSite(t, server.Config{})
				link, err := s.network.dial(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer link.cut()
				_, _ = link.client.Write([]byte(start))
				time.Sleep(11 * time.Second)
				synctest.Wait()
				if !link.serverClosed() {
					t.Error("open after 11 s")
				}
			})
		})
	}
}

// A client that answers nothing but takes in what it is sent is gone, too.
func TestPeerThatAnswersNoPingIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{PingInterval: 10 * time.Second, PingTimeout: 4 * time.Second})
		a := s.connectRaw("/")
		a.write(frame(opText, identity("a")))
		for range 3 {
			kind, payload := a.next()
			if kind != opPing {
				t.Fatalf("got %v %q, want a ping", kind, payload)
			}
			a.write(frame(opPong, payload))
		}
		if kind, _ := a.next(); kind != opPing {
			t.Fatalf("got %v, want a ping", kind)
		}
		start := time.Now()
		if kind, payload, err := a.readFrame(); err == nil {
			t.Fatalf("got %v %q, want the end", kind, payload)
		}
		if waited := time.Since(start); waited != 4*time.Second {
			t.Errorf("dropped %v after the ping, want 4s", waited)
		}
	})
}

package server_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"syncabled/protocol"
	"syncabled/server"
)

// identity, create and subscribe are messages of a client.
func identity(name string) string {
	return fmt.Sprintf(`{"type":"clientIdentity","clientIdentity":%q}`, name)
}

func subscribe(synced int) string {
	return fmt.Sprintf(`{"type":"subscribe","syncedRevision":%d}`, synced)
}

func create(requestID int, changes ...string) string {
	return fmt.Sprintf(`{"type":"changes","changes":[%s],"partial":false,"baseRevision":null,"requestId":%d}`,
		strings.Join(changes, ","), requestID)
}

// object is the creation of an object of some size.
func object(key string, size int) string {
	return fmt.Sprintf(`{"type":1,"table":"t","key":%q,"obj":{"id":%[1]q,"text":%q}}`, key, strings.Repeat("x", size))
}

// largeSet is a message of changes of 4 MiB.
func largeSet(requestID int) string {
	var objects []string
	for i := range 16 {
		objects = append(objects, object(fmt.Sprint("k", i), 256<<10))
	}
	return create(requestID, objects...)
}

const ack1 = `{"type":"ack","requestId":1}`

func TestSlowDownloadTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		a := s.connect("/", nil)
		a.send(identity("a"), largeSet(1))
		a.expect(ack1)

		// Five minutes, in which it can answer no ping: the answer would have to
		// overtake what the server is sending.
		b := s.connectThrough("/", nil, func(conn net.Conn) net.Conn { return slowConn{conn, 14 << 10} })
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
		a.writeSlowly(frame(opText, largeSet(1)), 14<<10)
		if got := a.nextText(); got != ack1 {
			t.Errorf("got %s, want %s", got, ack1)
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
		a.send(create(2, object("more", 1)))
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

// expect fails the test unless exactly these messages came.
func (c *client) expect(messages ...string) {
	c.t.Helper()
	if got := c.received(); strings.Join(got, "\n") != strings.Join(messages, "\n") {
		c.t.Fatalf("got  %q\nwant %q", got, messages)
	}
}

// expectDropped waits for the server to close its end.
func (r *rawClient) expectDropped(within time.Duration) {
	r.t.Helper()
	time.Sleep(within)
	synctest.Wait()
	if !r.link.serverClosed() {
		r.t.Errorf("after %v the server still has the connection open", within)
	}
}

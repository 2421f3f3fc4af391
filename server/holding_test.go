package server_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"syncabled/server"
)

// Sets of which the next message takes long to come in.

// The time after which what is held is committed does not run while a message comes in,
// however slowly.
func TestSetIsHeldWhileItsNextMessageComesIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		b := subscribed(s, "b")
		a := beginSet(s)
		a.writeSlowly(frame(opText, changes(2, object("k2", 400_000))), 1000)
		if got := a.nextText(); !strings.Contains(got, `"requestId":2`) {
			t.Errorf("got %s, want an ack of request 2", got)
		}
		got := b.received()
		if len(got) != 1 || !strings.Contains(got[0], `"k1"`) || !strings.Contains(got[0], `"k2"`) {
			t.Errorf("b has %d batches, want one with both objects", len(got))
		}
	})
}

// A client that begins its next message and stops is dropped as any that stops. What is
// held waits for it to come back, as always.
func TestHeldSetOfUploadThatStops(t *testing.T) {
	for name, begun := range map[string][]byte{
		"after a header": frameHeader(opText, 1000),
		"after a byte":   frame(opText, changes(2))[:15],
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startSite(t, server.Config{HeldExpiry: time.Hour})
				b := subscribed(s, "b")
				a := beginSet(s)
				a.write(begun)
				a.expectDropped(90 * time.Second)
				b.expect()
				time.Sleep(time.Hour)
				expectObject(b, `"k1"`)
			})
		})
	}
}

// A client that never ends a message and answers pings keeps what is held of it no longer
// than one that is away.
func TestHeldSetOfMessageThatNeverEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{HeldExpiry: time.Hour})
		b := subscribed(s, "b")
		a := subscribed(s, "a")
		a.send(partial(1, object("k1", 1)))
		a.expect(firstAck)
		w, err := a.conn.Writer(context.Background(), websocket.MessageText)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(strings.Repeat(" ", 100_000))); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Minute)
		b.expect()
		if !a.isOpen() {
			t.Error("a was dropped, though it answers pings")
		}
		time.Sleep(20 * time.Minute)
		expectObject(b, `"k1"`)
	})
}

// subscribed connects a client that has been answered.
func subscribed(s *site, name string) *client {
	s.t.Helper()
	c := s.connect("/", nil)
	c.send(identity(name), subscribe(0))
	if n := len(c.received()); n != 1 {
		s.t.Fatalf("%s has %d messages, want one", name, n)
	}
	return c
}

// beginSet connects a client that is subscribed and has sent a set in part.
func beginSet(s *site) *rawClient {
	s.t.Helper()
	a := s.connectRaw("/")
	for _, message := range []string{identity("a"), partial(1, object("k1", 1)), subscribe(0)} {
		a.write(frame(opText, message))
	}
	a.nextText() // the ack
	a.nextText() // the first batch
	return a
}

// partial is a message of a set of which more is to come.
func partial(requestID int, list ...string) string {
	return strings.Replace(changes(requestID, list...), `"partial":false`, `"partial":true`, 1)
}

func expectObject(c *client, key string) {
	c.t.Helper()
	if got := strings.Join(c.received(), "\n"); !strings.Contains(got, key) {
		c.t.Errorf("got %q, want an object %s", got, key)
	}
}

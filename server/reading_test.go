package server_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"syncabled/revlog"
	"syncabled/server"
)

// startBlocked starts a server whose logs commit nothing before the disk is closed.
func startBlocked(t *testing.T) (*site, slowDisk) {
	s := newSite(t, server.Config{})
	disk := newSlowDisk()
	s.wrapLog = func(log revlog.Log) revlog.Log { return slowLog{log, disk} }
	s.start()
	return s, disk
}

const emptyBatch = `{"type":"changes","changes":[],"currentRevision":1,"partial":false}`

// However long a message is handled, its client can ask whether the server is there, and
// is there itself.
func TestClientIsHeardWhileItsMessageIsHandled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := startBlocked(t)
		a := s.connect("/", nil)
		a.send(identity("a"), changes(1, object("k", 1)), subscribe(0))
		for range 10 {
			begun := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			if err := a.conn.Ping(ctx); err != nil || time.Since(begun) > 2*time.Second {
				t.Errorf("a ping was answered after %v: %v", time.Since(begun), err)
			}
			cancel()
			time.Sleep(9 * time.Second)
		}
		a.expect()
		if !a.isOpen() {
			t.Fatal("closed while its set was being committed")
		}
		close(disk)
		a.expect(firstAck, emptyBatch)
	})
}

// Who does not answer is gone, also while its message is handled.
func TestSilentClientIsDroppedWhileItsMessageIsHandled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := startBlocked(t)
		defer close(disk)
		a := s.connect("/", nil)
		a.send(identity("a"), changes(1, object("k", 1)))
		a.link.hold(true)
		time.Sleep(time.Minute)
		if !a.link.serverClosed() {
			t.Error("open after a minute without an answer to a ping")
		}
	})
}

// A client that sends on and on is not read for a while. That is no silence.
func TestClientThatIsNotReadStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := startBlocked(t)
		r := s.connectRaw("/")
		r.write(frame(opText, identity("a")))
		for id := range 5 {
			r.write(frame(opText, changes(id+1, object(fmt.Sprint("k", id), 40_000*(id%2)+1))))
		}
		time.Sleep(90 * time.Second)
		if r.link.serverClosed() {
			t.Fatal("closed while its sets were waiting")
		}
		close(disk)
		for id := range 5 {
			if got, want := r.nextText(), fmt.Sprintf(`{"type":"ack","requestId":%d}`, id+1); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
	})
}

// A connection whose message takes long is not cut by one that takes over: that one waits.
func TestTakeoverWaitsForMessage(t *testing.T) {
	for name, more := range map[string]int{"the client is read": 0, "the client is not read": 3} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, disk := startBlocked(t)
				a := s.connect("/", nil)
				a.send(identity("a"), changes(1, object("k", 1)), subscribe(0))
				for range more {
					a.send(`{"type":"unknown"}`)
				}
				time.Sleep(5 * time.Second)
				b := s.connect("/", nil)
				b.send(identity("a"), changes(1, object("k", 1)), subscribe(0))
				time.Sleep(85 * time.Second)
				if !a.isOpen() || !b.isOpen() {
					t.Fatalf("the first connection is open: %t, the second one: %t", a.isOpen(), b.isOpen())
				}
				close(disk)
				time.Sleep(time.Second)
				if got := a.received(); len(got) == 0 || got[0] != firstAck {
					t.Errorf("the first one got %q", got)
				}
				if got := b.received(); len(got) < 2 || got[0] != firstAck || !a.isOpen() || !b.isOpen() {
					t.Errorf("the second one got %q; the first one is open: %t, the second one: %t", got, a.isOpen(), b.isOpen())
				}
			})
		})
	}
}

// A takeover cuts a connection whose client does not take in the answer to a message.
func TestTakeoverCutsClientThatTakesNothingIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, server.Config{})
		a := s.connect("/", nil)
		a.send(identity("a"), subscribe(0))
		a.expect(`{"type":"changes","changes":[],"currentRevision":0,"partial":false}`)
		a.link.hold(true)
		b := s.connect("/", nil)
		b.send(identity("a"), changes(1), subscribe(0))
		time.Sleep(6 * time.Second)
		if !a.link.serverClosed() || len(b.received()) != 2 {
			t.Errorf("the first connection was cut: %t", a.link.serverClosed())
		}
	})
}

// After a message that took long a connection has no more goroutines than before, and is
// read as ever.
func TestConnectionAtRestHasOneGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, server.Config{})
		pause := time.Duration(0)
		s.wrapLog = func(log revlog.Log) revlog.Log { return pausingLog{log, &pause} }
		s.start()
		a := s.connect("/", nil)
		a.send(identity("a"), changes(1), subscribe(0))
		a.received()
		before := runtime.NumGoroutine()
		pause = 10 * time.Second
		for id := 2; id < 5; id++ {
			a.send(changes(id, object(fmt.Sprint("k", id), 1)))
			time.Sleep(pause + time.Second)
			if got := a.received(); len(got) != 2 {
				t.Errorf("got %q, want an acknowledgement and a batch", got)
			}
			if after := runtime.NumGoroutine(); after > before {
				t.Errorf("%d goroutines after set %d, %d before", after, id, before)
			}
		}
		a.leave()
		a.expectEnding(ending{1001, ""})
	})
}

type pausingLog struct {
	revlog.Log
	pause *time.Duration
}

func (l pausingLog) Submit(ctx context.Context, command revlog.Command) (revlog.Receipt, error) {
	if _, ok := command.(revlog.Set); ok {
		time.Sleep(*l.pause)
	}
	return l.Log.Submit(ctx, command)
}

// What was read ahead on a connection that ends is dropped, of a large message too.
func TestConnectionEndsWithMessagesAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := startBlocked(t)
		a := s.connect("/", nil)
		a.send(identity("a"), changes(1, object("k", 1)), largeSet(2), largeSet(3), largeSet(4))
		time.Sleep(20 * time.Second)
		a.cut()
		close(disk)
		time.Sleep(20 * time.Second)
		if n := len(s.events.about("connection ended")); n != 1 {
			t.Errorf("%d connections have ended, want 1", n)
		}
	})
}

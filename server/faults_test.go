package server_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/server"
)

// A faultyLog fails the calls it has an error for.
type faultyLog struct {
	revlog.Log
	faults *faults
}

type faults struct{ submit, read atomic.Pointer[error] }

func (f *faultyLog) Submit(ctx context.Context, command revlog.Command) (revlog.Receipt, error) {
	if err := f.faults.submit.Load(); err != nil {
		return revlog.Receipt{}, *err
	}
	return f.Log.Submit(ctx, command)
}

func (f *faultyLog) Read(ctx context.Context, q revlog.Query) (revlog.Page, error) {
	if err := f.faults.read.Load(); err != nil {
		return revlog.Page{}, *err
	}
	return f.Log.Read(ctx, q)
}

// A bombLog panics when somebody reads from a position.
type bombLog struct {
	revlog.Log
	at protocol.Revision
}

func (b bombLog) Read(ctx context.Context, q revlog.Query) (revlog.Page, error) {
	if q.After == b.at {
		panic("boom")
	}
	return b.Log.Read(ctx, q)
}

// A panic that one client brings about closes its connection, and nobody else's.
func TestPanicClosesOneSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, server.Config{})
		s.wrapLog = func(log revlog.Log) revlog.Log { return bombLog{log, 1} }
		s.start()
		a := s.connect("/", nil)
		a.send(identity("a"), subscribe(0))
		a.expect(`{"type":"changes","changes":[],"currentRevision":0,"partial":false}`)
		b := s.connect("/", nil)
		b.send(identity("b"), changes(1, object("k", 1)))
		b.expect(`{"type":"ack","requestId":1}`)
		a.received()
		b.send(changes(2, object("k", 2)))
		b.expect(`{"type":"ack","requestId":2}`)
		a.expectEnding(ending{1011, "internal error"})
		b.send(changes(3))
		b.expect(`{"type":"ack","requestId":3}`)
	})
}

// What fails on this side is a close that makes the client come back, whose
// reason gives nothing away, and one event for the operator.
func TestFailuresOfLog(t *testing.T) {
	full := fmt.Errorf("commit: write data.db: %w", revlog.ErrFull)
	broken := errors.New("checksum of page 17")
	tests := []struct {
		name  string
		fail  func(*faults)
		send  []string
		want  ending
		level string
	}{
		{"disk full", func(f *faults) { f.submit.Store(&full) }, []string{changes(1, object("k", 1))}, ending{1013, "disk is full"}, "error"},
		{"commit", func(f *faults) { f.submit.Store(&broken) }, []string{changes(1, object("k", 1))}, ending{1011, "internal error"}, "error"},
		{"read", func(f *faults) { f.read.Store(&broken) }, []string{subscribe(0)}, ending{1011, "internal error"}, "error"},
		{"log closed", func(f *faults) { f.submit.Store(&revlog.ErrClosed) }, []string{changes(1)}, ending{1001, "database is being closed"}, "info"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				faults := new(faults)
				s := newSite(t, server.Config{})
				s.wrapLog = func(log revlog.Log) revlog.Log { return &faultyLog{log, faults} }
				s.start()
				other := s.connect("/", nil)
				other.send(identity("other"), subscribe(0))
				other.received()

				test.fail(faults)
				a := s.connect("/", nil)
				a.send(identity("a"))
				a.send(test.send...)
				a.expect() // no acknowledgement, no error
				a.expectEnding(test.want)
				other.expect()
				if !other.isOpen() {
					t.Error("another client was closed, too")
				}
				ended := s.events.about("connection ended")
				if len(ended) != 1 || ended[0]["level"] != test.level || ended[0]["code"] != float64(test.want.code) {
					t.Errorf("events: %v", ended)
				}
			})
		})
	}
}

func TestFailureToOpenDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := true
		s := newSite(t, server.Config{})
		s.config.Open = func(name string) (revlog.Log, error) {
			if broken {
				return nil, errors.New("not a database of this format")
			}
			return s.open(name)
		}
		s.start()
		a := s.connect("/db/notes", nil)
		a.send(identity("a"))
		a.expectEnding(ending{1011, "internal error"})
		opened := s.events.about("open database")
		if len(opened) != 1 || opened[0]["level"] != "error" || opened[0]["database"] != "notes" {
			t.Errorf("events: %v", opened)
		}

		// When the operator has mended it, it opens for who comes next.
		broken = false
		b := s.connect("/db/notes", nil)
		b.send(identity("b"), subscribe(0))
		b.expect(`{"type":"changes","changes":[],"currentRevision":0,"partial":false}`)
	})
}

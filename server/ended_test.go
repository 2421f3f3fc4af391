package server_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"syncabled/revlog"
	"syncabled/server"
)

// A mortalLog ends itself in the middle of a commit.
type mortalLog struct {
	revlog.Log
	die *atomic.Bool
}

func (m mortalLog) Submit(ctx context.Context, command revlog.Command) (revlog.Receipt, error) {
	if m.die.Swap(false) {
		return revlog.Receipt{}, errors.Join(errors.New("sync: input/output error"), m.Close())
	}
	return m.Log.Submit(ctx, command)
}

// A log that has ended itself is opened again for the next connection, while
// sessions that had the old one are still there.
func TestLogThatEndsItselfIsOpenedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		die := new(atomic.Bool)
		s := newSite(t, server.Config{})
		s.wrapLog = func(log revlog.Log) revlog.Log { return mortalLog{log, die} }
		s.start()
		idle, reader, writer := s.connect("/", nil), s.connect("/", nil), s.connect("/", nil)
		idle.send(identity("idle"))
		reader.send(identity("reader"), subscribe(0))
		reader.received()
		writer.send(identity("writer"), changes(1, object("k", 1)))
		writer.expect(`{"type":"ack","requestId":1}`)
		reader.received()

		die.Store(true)
		writer.send(changes(2, object("k", 2)))
		writer.expectEnding(ending{1011, "internal error"})
		reader.expectEnding(ending{1001, "database is being closed"})
		again := s.connect("/", nil)
		again.send(identity("writer"), changes(1, object("k", 2)))
		again.expect(`{"type":"ack","requestId":1}`)
		if ended := s.events.about("log has ended itself; it is opened again"); len(ended) != 1 {
			t.Errorf("events: %v", ended)
		}

		idle.send(changes(1, object("k", 3)))
		idle.expectEnding(ending{1001, "database is being closed"})
		again.send(changes(2, object("k", 4)))
		again.expect(`{"type":"ack","requestId":2}`)
	})
}

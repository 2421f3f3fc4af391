package server_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/server"
)

// A lostLog is given up in the middle of a commit that never returns.
type lostLog struct {
	revlog.Log
	surrender *surrender
}

type surrender struct {
	sets    int           // that are committed before
	givenUp chan struct{} // closed with the next one
	end     chan struct{} // closed when the test ends
}

func (l lostLog) GivenUp() <-chan struct{} { return l.surrender.givenUp }

func (l lostLog) cause() error {
	select {
	case <-l.surrender.givenUp:
		return fmt.Errorf("%w: page fault", revlog.ErrGivenUp)
	default:
		return nil
	}
}

func (l lostLog) Submit(ctx context.Context, command revlog.Command) (revlog.Receipt, error) {
	if l.surrender.sets--; l.surrender.sets >= 0 {
		return l.Log.Submit(ctx, command)
	}
	close(l.surrender.givenUp)
	<-l.surrender.end
	return revlog.Receipt{}, l.cause()
}

func (l lostLog) Wait(ctx context.Context, rev protocol.Revision) (protocol.Revision, error) {
	if err := l.cause(); err != nil {
		return 0, err
	}
	return l.Log.Wait(ctx, rev)
}

func (l lostLog) Head() (protocol.Revision, error) {
	if err := l.cause(); err != nil {
		return 0, err
	}
	return l.Log.Head()
}

func (l lostLog) Close() error {
	if err := l.cause(); err != nil {
		return err
	}
	return l.Log.Close()
}

// A log that is given up takes its sessions with it, whatever they wait for. Nobody
// gets in any more, other databases go on, and the server can be ended.
func TestGivenUpLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		surrender := &surrender{sets: 1, givenUp: make(chan struct{}), end: make(chan struct{})}
		s := newSite(t, server.Config{})
		var inner revlog.Log
		s.config.Open = func(name string) (revlog.Log, error) {
			if name == "fine" {
				return s.dir.Open(name)
			}
			if inner != nil {
				return nil, fmt.Errorf("%w: page fault", revlog.ErrGivenUp)
			}
			var err error
			inner, err = s.dir.Open(name)
			return lostLog{inner, surrender}, err
		}
		s.start()
		fine := s.connect("/db/fine", nil)
		fine.send(identity("fine"), changes(1, object("k", 1)))
		fine.expect(`{"type":"ack","requestId":1}`)
		idle, reader, writer := s.connect("/", nil), s.connect("/", nil), s.connect("/", nil)
		idle.send(identity("idle"))
		reader.send(identity("reader"), subscribe(0))
		reader.received()
		writer.send(identity("writer"), changes(1, object("k", 1)))
		writer.expect(`{"type":"ack","requestId":1}`)
		reader.received()

		writer.send(changes(2, object("k", 2)))
		const reason = "the database has failed and stays closed until the server is restarted; the server's log says why"
		for _, c := range []*client{idle, reader, writer} {
			c.expectEnding(ending{1011, reason})
		}
		again := s.connect("/", nil)
		again.send(identity("writer"))
		again.expectEnding(ending{1011, reason})
		failed := s.events.about("database has failed; it stays closed until the server is restarted")
		if len(failed) != 1 || failed[0]["database"] != "default" || !strings.Contains(fmt.Sprint(failed[0]["error"]), "page fault") {
			t.Errorf("events: %v", failed)
		}
		fine.send(changes(2, object("k", 2)))
		fine.expect(`{"type":"ack","requestId":2}`)

		ended := make(chan struct{})
		go func() {
			defer close(ended)
			s.shutDown()
		}()
		select {
		case <-ended:
		case <-time.After(time.Minute):
			t.Error("the server does not end while the commit has not returned")
		}
		close(surrender.end)
		<-ended
		if err := inner.Close(); err != nil {
			t.Error(err)
		}
	})
}

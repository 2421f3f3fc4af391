package revlogtest

import (
	"context"
	"errors"
	"testing"

	"syncabled/protocol"
	"syncabled/revlog"
)

// Waiting for the log to move.
var waitTests = []test{
	{"Wait returns the head if the log is past the position", func(t *testing.T, log *Log) {
		a := log.Client("a")
		a.Creates("todos", 1, `{}`)
		head := a.Creates("todos", 2, `{}`).Head
		for position := range head {
			wantWait(t, waiting(t.Context(), log, position), head)
		}
	}},

	{"Wait returns when the log has moved", func(t *testing.T, log *Log) {
		a := log.Client("a")
		head := log.Position()
		for i := range 50 {
			var waiters []<-chan waited
			for range 3 {
				waiters = append(waiters, waiting(t.Context(), log, head))
			}
			head = a.Creates("todos", i, `{}`).Head
			for _, w := range waiters {
				wantWait(t, w, head)
			}
		}
	}},

	{"Wait waits for its position, however often the log moves", func(t *testing.T, log *Log) {
		const target = 20
		w := waiting(t.Context(), log, target-1)
		a := log.Client("a")
		for i := range target {
			select {
			case got := <-w:
				t.Fatalf("at revision %d, Wait(%d) returned %+v", i, target-1, got)
			default:
			}
			a.Creates("todos", i, `{}`)
		}
		wantWait(t, w, target)
	}},

	{"a set with no effect wakes nobody", func(t *testing.T, log *Log) {
		a := log.Client("a")
		head := a.Creates("todos", 1, `{}`).Head
		ctx, cancel := context.WithCancel(t.Context())
		w := waiting(ctx, log, head)
		a.Submits()
		a.Submits(Create("todos", 1, `{}`), Delete("todos", 2))
		a.Begins(Create("todos", 3, `{}`))
		cancel()
		if got := <-w; !errors.Is(got.err, context.Canceled) {
			t.Errorf("Wait returned %+v, want that it was cancelled", got)
		}
	}},
}

// waited is what Wait returned.
type waited struct {
	head protocol.Revision
	err  error
}

// waiting calls Wait and delivers what it returns.
func waiting(ctx context.Context, log revlog.Log, rev protocol.Revision) <-chan waited {
	returned := make(chan waited, 1)
	go func() {
		head, err := log.Wait(ctx, rev)
		returned <- waited{head, err}
	}()
	return returned
}

func wantWait(t *testing.T, w <-chan waited, head protocol.Revision) {
	t.Helper()
	if got := <-w; got.err != nil || got.head != head {
		t.Errorf("Wait returned %d, %v, want %d", got.head, got.err, head)
	}
}

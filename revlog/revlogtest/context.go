package revlogtest

import (
	"context"
	"errors"
	"testing"

	"syncabled/protocol"
	"syncabled/revlog"
)

// Calls with a context that ends.
var contextTests = []test{
	{"Wait ends with its context", func(t *testing.T, log *Log) {
		ctx, cancel := context.WithCancel(t.Context())
		w := waiting(ctx, log, 0)
		cancel()
		if got := <-w; !errors.Is(got.err, context.Canceled) {
			t.Errorf("Wait returned %+v, want that it was cancelled", got)
		}
	}},

	{"Read ends with its context", func(t *testing.T, log *Log) {
		mixed(log)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for _, after := range []protocol.Revision{0, 1} {
			if _, err := log.Read(ctx, revlog.Query{Reader: stranger, After: after}); !errors.Is(err, context.Canceled) {
				t.Errorf("read from %d: got error %v, want that it was cancelled", after, err)
			}
		}
	}},

	{"a set may be committed or not if the context ends, as a whole", func(t *testing.T, log *Log) {
		set := revlog.Set{Client: "a", Time: arrival, Changes: []protocol.Change{Create("todos", 1, `{}`), Create("todos", 2, `{}`)}}
		for range 20 {
			ctx, cancel := context.WithCancel(t.Context())
			returned := make(chan error, 1)
			go func() {
				_, err := log.Submit(ctx, set)
				returned <- err
			}()
			cancel()
			if err := <-returned; err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("Submit returned %v", err)
			}
		}
		log.Client("a").Submits(set.Changes...)
		WantChanges(t, log.Objects(), set.Changes...)
		if head := log.Position(); head != 2 {
			t.Errorf("head is %d, want 2: submitting a set again does no harm", head)
		}
	}},
}

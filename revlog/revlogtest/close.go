package revlogtest

import (
	"errors"
	"testing"

	"syncabled/protocol"
	"syncabled/revlog"
)

// Ending a log.
var closeTests = []test{
	{"Close ends calls that wait", func(t *testing.T, log *Log) {
		var waiters []<-chan waited
		for position := range protocol.Revision(5) {
			waiters = append(waiters, waiting(t.Context(), log, position))
		}
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
		for _, w := range waiters {
			if got := <-w; !errors.Is(got.err, revlog.ErrClosed) {
				t.Errorf("Wait returned %+v, want ErrClosed", got)
			}
		}
	}},

	{"calls after Close return ErrClosed", func(t *testing.T, log *Log) {
		head := log.Client("a").Creates("todos", 1, `{}`).Head
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
		_, err := log.Submit(t.Context(), revlog.Set{Client: "a", Time: arrival})
		wantClosed(t, "Submit", err)
		for position := range head + 1 {
			_, err = log.Read(t.Context(), revlog.Query{Reader: "a", After: position})
			wantClosed(t, "Read", err)
			_, err = log.Wait(t.Context(), position)
			wantClosed(t, "Wait", err)
		}
		_, err = log.Head()
		wantClosed(t, "Head", err)
	}},

	{"sets under way at Close are committed or refused, as a whole", func(t *testing.T, log *Log) {
		const clients = 8
		type result struct {
			receipt revlog.Receipt
			err     error
		}
		results := make(chan result, clients)
		for n := range clients {
			go func() {
				changes := []protocol.Change{Create("todos", 2*n, `{}`), Create("todos", 2*n+1, `{}`)}
				receipt, err := log.Submit(t.Context(), revlog.Set{Client: "a", Time: arrival, Changes: changes})
				results <- result{receipt, err}
			}()
		}
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
		committed := 0
		for range clients {
			switch r := <-results; {
			case r.err == nil:
				committed += r.receipt.Appended
			case !errors.Is(r.err, revlog.ErrClosed):
				t.Errorf("Submit returned %v", r.err)
			}
		}
		log.Log = log.store.Open(t)
		if got := len(log.Objects()); got < committed || got%2 != 0 {
			t.Errorf("%d objects are in the log, %d were reported", got, committed)
		}
	}},
}

func wantClosed(t *testing.T, call string, err error) {
	t.Helper()
	if !errors.Is(err, revlog.ErrClosed) {
		t.Errorf("%s returned error %v, want ErrClosed", call, err)
	}
}

package revlogtest

import (
	"testing"
	"time"

	"syncabled/protocol"
	"syncabled/revlog"
)

// Sets whose rest does not come.
var finishTests = []test{
	{"Finish commits what is held, once", func(t *testing.T, log *Log) {
		log.submit(revlog.Set{Client: "a", Partial: true, Changes: []protocol.Change{Create("todos", 1, `{}`)}})
		log.submit(revlog.Set{Client: "b", Partial: true, Changes: []protocol.Change{Create("todos", 2, `{}`)}})
		wantReceipt(t, log.submit(revlog.Finish{Client: "a"}), revlog.Receipt{Head: 1, Appended: 1})
		wantReceipt(t, log.submit(revlog.Finish{Client: "a"}), revlog.Receipt{Head: 1})
		WantChanges(t, log.Objects(), Create("todos", 1, `{}`))
		wantReceipt(t, log.submit(revlog.Finish{Client: "stranger"}), revlog.Receipt{Head: 1})
		if a, err := log.Knows(t.Context(), "stranger"); a.Known || err != nil {
			t.Errorf("who finishes nothing is a.Known: %t, %v", a.Known, err)
		}
	}},

	{"limits of a Finish count for what is held", func(t *testing.T, log *Log) {
		log.submit(revlog.Set{Client: "a", Changes: []protocol.Change{Create("todos", 1, `{}`)}})
		log.submit(revlog.Set{Client: "a", Base: 1, Partial: true, Changes: []protocol.Change{Update("todos", 1, `{"text":"much too long"}`)}})
		log.submit(revlog.Finish{Client: "a", Limits: revlog.Limits{ObjectBytes: 10}})
		WantChanges(t, log.Objects(), Create("todos", 1, `{}`))
	}},

	{"clients whose held sets have expired are named", func(t *testing.T, log *Log) {
		expirer, ok := log.Log.(revlog.Expirer)
		if !ok {
			t.Skip("the log does not know for how long it holds sets")
		}
		log.submit(revlog.Set{Client: "a", Partial: true, Changes: []protocol.Change{Create("todos", 1, `{}`)}})
		for _, expiry := range []time.Duration{time.Hour, time.Minute} {
			expired, err := expirer.Expired(t.Context(), arrival.Add(30*time.Minute), expiry)
			if err != nil {
				t.Fatal(err)
			}
			if named := len(expired) == 1 && expired[0] == "a"; named != (expiry == time.Minute) || len(expired) > 1 {
				t.Errorf("after half an hour, %q have been away for %v", expired, expiry)
			}
		}
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
		_, err := expirer.Expired(t.Context(), arrival, time.Minute)
		wantClosed(t, "Expired", err)
	}},
}

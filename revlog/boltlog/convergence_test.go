package boltlog_test

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"testing"

	"syncabled/revlog/boltlog"
	"syncabled/revlog/revlogtest"
)

var (
	scheduleSeed  = flag.Uint64("schedule", 0, "play only the schedule of this seed, and tell what happens")
	scheduleCount = flag.Uint64("schedules", 2000, "how many random schedules to play")
)

// TestConvergence plays random schedules without faults. A failure says how to
// play the one that failed again.
func TestConvergence(t *testing.T) {
	if *scheduleSeed != 0 {
		if err := converge(t, *scheduleSeed, t.Logf); err != nil {
			t.Fatal(err)
		}
		return
	}
	count := *scheduleCount
	if underRace {
		count /= 4
	}
	for seed := uint64(1); seed <= count; seed++ {
		if err := converge(t, seed, func(string, ...any) {}); err != nil {
			t.Fatalf("%v\nthe whole story: go test ./revlog/boltlog -run TestConvergence -v -schedule %d", err, seed)
		}
	}
}

func converge(tb testing.TB, seed uint64, trace func(string, ...any)) error {
	tb.Helper()
	s := revlogtest.NewSchedule(seed)
	trace("%+v", s)
	dir := tempDir(tb)
	db, err := boltlog.Open(filepath.Join(dir, fmt.Sprint(seed)), boltlog.Small(1+int(seed%5), 1+int(seed%3)))
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	return revlogtest.Converge(context.Background(), db, s, trace)
}

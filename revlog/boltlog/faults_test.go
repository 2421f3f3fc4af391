package boltlog_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/boltlog"
	"syncabled/revlog/revlogtest"
)

// TestOneSetDoesNotFailOthers commits a group of which one set cannot be stored.
func TestOneSetDoesNotFailOthers(t *testing.T) {
	for _, bad := range []revlog.Set{
		{Client: "", Changes: []protocol.Change{revlogtest.Create("items", 1, `{}`)}},
		{Client: strings.Repeat("long", 10_000), Changes: []protocol.Change{revlogtest.Create("items", 2, `{}`)}},
		{Client: "bad", Changes: []protocol.Change{revlogtest.Create("items", 3, `{}`), revlogtest.Create("items", strings.Repeat("long", 10_000), `{}`)}},
		{Client: "bad", Changes: []protocol.Change{revlogtest.Create(strings.Repeat("long", 10_000), 4, `{}`)}},
	} {
		db := mustStep(t, boltlog.Small(1, 1))
		good := []protocol.Change{revlogtest.Create("items", 10, `{}`), revlogtest.Create("items", 11, `{}`), revlogtest.Create("items", 12, `{}`)}
		set := func(n int) revlog.Set {
			return revlog.Set{Client: "good", Changes: good[n : n+1], Time: time.Unix(1_800_000_000, 0)}
		}
		errs := db.CommitEach(set(0), bad, set(1), set(2))
		if errs[1] == nil {
			t.Errorf("a set of client %.10q with change %.30v is committed", bad.Client, bad.Changes[len(bad.Changes)-1])
		}
		if errs[0] != nil || errs[2] != nil || errs[3] != nil {
			t.Errorf("the other sets fail: %v", errs)
		}
		for db.StoreSome() {
		}
		db = db.Crash(t)
		page, err := db.Read(t.Context(), revlog.Query{Reader: "reader"})
		if err != nil {
			t.Fatal(err)
		}
		revlogtest.WantChanges(t, page.Changes, good...)
	}
}

// TestFullDisk fills the room that a file has. What was refused can be submitted
// again when there is room.
func TestFullDisk(t *testing.T) {
	db := mustStep(t, boltlog.Small(1, 1))
	commit := func(key int) error {
		obj := `"` + strings.Repeat("x", 100_000) + `"`
		return db.CommitEach(revlog.Set{Client: "a", Changes: []protocol.Change{revlogtest.Create("items", key, obj)}, Time: time.Unix(1_800_000_000, 0)})[0]
	}
	db.LimitSize(1)
	n := 0
	for ; commit(n) == nil; n++ {
		db.StoreSome()
		if n > 1000 {
			t.Fatal("the disk does not fill up")
		}
	}
	for range 3 {
		if err := commit(n); err == nil {
			t.Fatal("a set is committed on a full disk")
		}
		db.StoreSome()
	}
	if head := db.MustHead(); head != protocol.Revision(n) {
		t.Errorf("head is %d, want %d", head, n)
	}
	db.LimitSize(0)
	if err := commit(n); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		page, err := db.Read(t.Context(), revlog.Query{Reader: "reader"})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Changes) != n+1 {
			t.Errorf("there are %d objects, want %d", len(page.Changes), n+1)
		}
		db = db.Crash(t)
	}
}

func mustStep(tb testing.TB, options boltlog.Options) *boltlog.Stepper {
	tb.Helper()
	db, err := boltlog.OpenStepper(filepath.Join(tempDir(tb), "stepped.db"), options)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = db.Abandon() })
	return db
}

package boltlog_test

import (
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/boltlog"
)

// TestCommitsAreObserved has something become of every kind of change.
func TestCommitsAreObserved(t *testing.T) {
	var commits []revlog.Commit
	db := mustOpen(t, filepath.Join(t.TempDir(), "observed.db"), boltlog.Options{
		Observe: func(c revlog.Commit) { commits = append(commits, c) },
	})
	create := func(key protocol.Key, obj string) protocol.Change {
		return protocol.Change{Type: protocol.Create, Table: "t", Key: key, Obj: []byte(obj)}
	}
	update := func(key protocol.Key, mods string) protocol.Change {
		return protocol.Change{Type: protocol.Update, Table: "t", Key: key, Mods: []byte(mods)}
	}
	for _, command := range []revlog.Command{
		revlog.Set{Client: "a", Changes: []protocol.Change{create(`1`, `{}`), create(`2`, `{}`), create(`3`, `{}`)}},
		revlog.Set{Client: "a", Base: 3, Changes: []protocol.Change{update(`1`, `{"x":1}`), {Type: protocol.Delete, Table: "t", Key: `2`}}},
		revlog.Set{Client: "b", Base: 3, Changes: []protocol.Change{
			update(`1`, `{"x":2,"y":2}`), // trimmed
			update(`2`, `{"x":2}`),       // dropped
			create(`1`, `{}`),            // merged
			update(`3`, `{"x":2}`),       // as it is
		}},
		revlog.Set{Client: "a", Base: 3, Stale: true, Changes: []protocol.Change{update(`3`, `{"z":1}`)},
			Refused: []protocol.Refusal{{Table: "t", Key: `9`, Change: []byte(`{}`), Reason: "odd"}}},
		revlog.Resync{Client: "a", Base: 3},
		revlog.Set{Client: "stranger"}, // nothing is stored
	} {
		if _, err := db.Submit(t.Context(), command); err != nil {
			t.Fatal(err)
		}
	}
	want := []revlog.Commit{
		{Commands: 1, Entries: 3},
		{Commands: 1, Entries: 2},
		{Commands: 1, Entries: 3, Outcome: revlog.Outcome{Trimmed: 1, Dropped: 1, Merged: 1}},
		{Commands: 1, Entries: 3, Outcome: revlog.Outcome{Repaired: 2, Refused: 1}},
		{Commands: 1, Entries: 1, Outcome: revlog.Outcome{Resyncs: 1}},
	}
	if diff := cmp.Diff(want, commits, cmpopts.IgnoreFields(revlog.Commit{}, "Duration")); diff != "" {
		t.Errorf("commits (-want +got):\n%s", diff)
	}
	status, err := db.Status()
	if err != nil {
		t.Fatal(err)
	}
	if status.Head != db.MustHead() || status.Objects != 2 || status.Held != 0 || status.Size == 0 {
		t.Errorf("status is %+v", status)
	}
}

func TestDirKnowsItsSpace(t *testing.T) {
	path := t.TempDir()
	dir, err := boltlog.OpenDir(path, boltlog.Options{FreeBytes: math.MaxInt})
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	if err := dir.CheckSpace(); !errors.Is(err, revlog.ErrFull) {
		t.Errorf("less is free than should be, and it says %v", err)
	}
	free, err := dir.FreeSpace()
	if err != nil || free <= 0 {
		t.Errorf("%d bytes are free, %v", free, err)
	}
	db, err := dir.Open("notes")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	files, err := dir.Files()
	if err != nil || len(files) != 1 || files[0].Database != "notes" || files[0].Size == 0 {
		t.Errorf("files are %+v, %v", files, err)
	}
}

// TestPanicEndsTheLog has a commit panic on the goroutine of its writer, as one that
// nobody else waits for does.
func TestPanicEndsTheLog(t *testing.T) {
	db, err := boltlog.Open(filepath.Join(t.TempDir(), "mistaken.db"), boltlog.Options{
		Observe: func(revlog.Commit) { panic("a mistake") },
	})
	if err != nil {
		t.Fatal(err)
	}
	set := revlog.Set{Client: "a", Changes: []protocol.Change{{Type: protocol.Create, Table: "t", Key: `1`, Obj: []byte(`{}`)}}}
	if _, err := db.Submit(t.Context(), set); !errors.Is(err, revlog.ErrClosed) || !strings.Contains(err.Error(), "a mistake") {
		t.Errorf("Submit returned %v, want why the log ended", err)
	}
	if _, err := db.Submit(t.Context(), set); !errors.Is(err, revlog.ErrClosed) {
		t.Errorf("Submit returned %v after that, want %v", err, revlog.ErrClosed)
	}
	if err := db.Close(); err == nil || !strings.Contains(err.Error(), "a mistake") {
		t.Errorf("Close returned %v, want why the log ended", err)
	}
}

package boltlog_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/boltlog"
	"syncabled/revlog/revlogtest"
)

// TestRestore copies a database that goes on, and goes on in the copy: who had
// got further than the copy is recognised, who had not carries on.
func TestRestore(t *testing.T) {
	dir := t.TempDir()
	db := mustOpen(t, filepath.Join(dir, "lost.db"), boltlog.Options{})
	create(t, db, 1)
	copied := filepath.Join(dir, "copy.db")
	backUp(t, db, copied)
	create(t, db, 2)
	lost := create(t, db, 3)

	path := filepath.Join(dir, "restored.db")
	head, err := boltlog.Restore(copied, path)
	if err != nil {
		t.Fatal(err)
	}
	restored := mustOpen(t, path, boltlog.Options{})
	defer restored.Close()
	if got := restored.MustHead(); got != head || head < lost+1_000_000_000 {
		t.Errorf("the head is %d, Restore returned %d; the lost one was %d", got, head, lost)
	}
	for _, position := range []protocol.Revision{2, lost, head - 1} {
		if _, err := restored.Read(t.Context(), revlog.Query{Reader: "r", After: position}); !errors.Is(err, revlog.ErrAhead) {
			t.Errorf("from %d, in the gap: got %v, want ErrAhead", position, err)
		}
	}
	create(t, restored, 4)
	for position, want := range map[protocol.Revision][]protocol.Change{
		0:    {revlogtest.Create("items", 1, `{}`), revlogtest.Create("items", 4, `{}`)},
		1:    {revlogtest.Create("items", 4, `{}`)},
		head: {revlogtest.Create("items", 4, `{}`)},
	} {
		page, err := restored.Read(t.Context(), revlog.Query{Reader: "r", After: position})
		if err != nil {
			t.Fatal(err)
		}
		revlogtest.WantChanges(t, page.Changes, want...)
	}
	var gap *revlog.GapError
	if _, _, err := restored.Entries(t.Context(), lost, 1, revlog.Filter{}); !errors.As(err, &gap) || gap.After != 1 || gap.To != head {
		t.Errorf("entries from the gap: got %v, want that of the revisions between 1 and %d", err, head)
	}
	var types []protocol.ChangeType
	err = revlog.EachEntry(t.Context(), restored, lost, revlog.Filter{}, func(e revlog.Entry) error {
		types = append(types, e.Change.Type)
		return nil
	})
	if err != nil || !slices.Equal(types, []protocol.ChangeType{revlog.MarkResync, protocol.Create}) {
		t.Errorf("entries from the gap on are of types %v, %v", types, err)
	}
	if err := restored.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := boltlog.Verify(path); err != nil {
		t.Error(err)
	}
}

func TestRestoreRefuses(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good.db")
	db := mustOpen(t, good, boltlog.Options{})
	create(t, db, 1)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	there := filepath.Join(dir, "there.db")
	if err := os.WriteFile(there, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := boltlog.Restore(good, there); !errors.Is(err, os.ErrExist) {
		t.Errorf("over a file: got %v, want os.ErrExist", err)
	}
	if text, _ := os.ReadFile(there); string(text) != "mine" {
		t.Errorf("the file is %q now", text)
	}
	fresh := filepath.Join(dir, "fresh.db")
	if _, err := boltlog.Restore(there, fresh); !errors.Is(err, boltlog.ErrFormat) {
		t.Errorf("of no database: got %v, want ErrFormat", err)
	}
	if _, err := os.Stat(fresh); !errors.Is(err, os.ErrNotExist) {
		t.Error("something was left")
	}
}

// create creates an object of its own client, and returns the head after that.
func create(t *testing.T, db *boltlog.DB, key int) protocol.Revision {
	t.Helper()
	receipt, err := db.Submit(t.Context(), revlog.Set{
		Client:  "a",
		Base:    db.MustHead(),
		Changes: []protocol.Change{revlogtest.Create("items", key, `{}`)},
		Time:    time.Unix(1_800_000_000, 0),
	})
	if err != nil {
		t.Fatal(err)
	}
	return receipt.Head
}

func backUp(t *testing.T, db *boltlog.DB, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.WriteTo(file)
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestBackupOfFileCutOff: whoever asks for the copy is told what the file lacks.
func TestBackupOfFileCutOff(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a file that is mapped cannot be cut off there")
	}
	path := filepath.Join(t.TempDir(), "file.db")
	db := mustOpen(t, path, boltlog.Options{})
	fillObjects(t, db, 100)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, int64(3*os.Getpagesize())); err != nil {
		t.Fatal(err)
	}
	defer func() { // so that it can be closed
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = file.WriteAt(content, 0)
		if err := errors.Join(err, file.Close()); err != nil {
			t.Error(err)
		}
	}()
	if _, err := db.WriteTo(io.Discard); !errors.Is(err, boltlog.ErrBroken) || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("got error %v, want ErrBroken, and that the file was cut off", err)
	}
}

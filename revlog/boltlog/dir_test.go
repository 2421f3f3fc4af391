package boltlog_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"syncabled/revlog"
	"syncabled/revlog/boltlog"
	"syncabled/revlog/revlogtest"
)

func TestDirHoldsDatabasesByName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "data")
	dir := mustOpenDir(t, path)
	for _, name := range []string{"zebra", "a", "0_x-y"} {
		db, err := dir.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		fillObjects(t, db, len(name))
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, other := range []string{"notes.txt", "UPPER.db", ".db", "LOCK.db"} {
		writes([]byte("not a database"))(t, filepath.Join(path, other))
	}
	if err := os.Mkdir(filepath.Join(path, "folder.db"), 0o700); err != nil {
		t.Fatal(err)
	}
	names, err := dir.Names()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"0_x-y", "a", "zebra"}, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	db, err := dir.Open("zebra")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if db.MustHead() != 5 {
		t.Errorf("head is %d, want 5", db.MustHead())
	}
}

func TestDirRefusesOddNames(t *testing.T) {
	path := t.TempDir()
	dir := mustOpenDir(t, path)
	for _, name := range []string{"", ".", "..", "a/b", `a\b`, "../a", "A", "_a", "-a", "a.db", "a b", "é", "a\x00", "LOCK", strings.Repeat("a", 65), "a\n"} {
		if revlog.ValidName(name) {
			t.Errorf("%q is a valid name", name)
		}
		if _, err := dir.Open(name); err == nil {
			t.Errorf("%q can be opened", name)
		}
	}
	if !revlog.ValidName(strings.Repeat("a", 64)) {
		t.Error("a name of 64 characters is not valid")
	}
	files, err := os.ReadDir(path)
	if err != nil || len(files) != 1 {
		t.Errorf("the folder holds %v, want the lock alone", files)
	}
}

// The file con.db is the console on Windows. Elsewhere it is a file, which an earlier
// version may have made: that one is served.
func TestDirMakesNoDatabaseWithTheNameOfADevice(t *testing.T) {
	path := t.TempDir()
	dir := mustOpenDir(t, path)
	for _, name := range []string{"con", "prn", "aux", "nul", "com1", "com9", "lpt1", "lpt9"} {
		if _, err := dir.Open(name); !errors.Is(err, revlog.ErrDevice) {
			t.Errorf("%s: got error %v, want ErrDevice", name, err)
		}
	}
	for _, name := range []string{"con1", "com10", "console", "nul-1", "default"} {
		db, err := dir.Open(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := os.Rename(filepath.Join(path, "console.db"), filepath.Join(path, "con.db")); err != nil {
		t.Fatal(err)
	}
	db, err := dir.Open("con")
	if (err != nil) != (runtime.GOOS == "windows") {
		t.Errorf("con that exists: %v", err)
	}
	if err == nil {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestDirKnowsTheLastBackup(t *testing.T) {
	path := t.TempDir()
	dir := mustOpenDir(t, path)
	if at, err := dir.LastBackup(); err != nil || !at.IsZero() {
		t.Errorf("before any: %v, %v", at, err)
	}
	for _, second := range []int64{1_700_000_000, 1_700_000_500} {
		if err := boltlog.NoteBackup(path, time.Unix(second, 0)); err != nil {
			t.Fatal(err)
		}
		if at, err := dir.LastBackup(); err != nil || at.Unix() != second {
			t.Errorf("got %v, %v, want %d", at, err, second)
		}
	}
	if names, err := dir.Names(); err != nil || len(names) > 0 {
		t.Errorf("databases %v, %v", names, err)
	}
	if err := os.WriteFile(filepath.Join(path, "last-backup"), []byte("yesterday"), 0o600); err != nil {
		t.Fatal(err)
	}
	if at, err := dir.LastBackup(); err == nil {
		t.Errorf("a broken file says %v", at)
	}
}

func TestDirIsLocked(t *testing.T) {
	path := t.TempDir()
	dir := mustOpenDir(t, path)
	if _, err := boltlog.OpenDir(path, boltlog.Options{}); !errors.Is(err, boltlog.ErrLocked) {
		t.Errorf("got error %v, want ErrLocked", err)
	}
	if err := dir.Close(); err != nil {
		t.Fatal(err)
	}
	mustOpenDir(t, path)
}

func TestDirOpensADatabaseOnce(t *testing.T) {
	dir := mustOpenDir(t, t.TempDir())
	db, err := dir.Open("once")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := dir.Open("once"); !errors.Is(err, boltlog.ErrLocked) {
		t.Errorf("got error %v, want ErrLocked", err)
	}
}

func TestDatabasesOfADirAreApart(t *testing.T) {
	dir := mustOpenDir(t, t.TempDir())
	for _, name := range []string{"one", "two"} {
		db, err := dir.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		page, err := db.Read(t.Context(), revlog.Query{Reader: "reader"})
		if err != nil {
			t.Fatal(err)
		}
		revlogtest.WantChanges(t, page.Changes)
		fillObjects(t, db, 3)
	}
}

func mustOpenDir(t *testing.T, path string) *boltlog.Dir {
	t.Helper()
	dir, err := boltlog.OpenDir(path, boltlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := dir.Close(); err != nil {
			t.Error(err)
		}
	})
	return dir
}

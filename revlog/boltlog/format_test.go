package boltlog_test

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/boltlog"
)

// TestOpenRefusesForeignFiles: a file that is not ours is reported as what it is,
// and left as it is.
func TestOpenRefusesForeignFiles(t *testing.T) {
	for _, file := range []struct {
		name string
		make func(t *testing.T, path string)
		says string
	}{
		{"text", writes([]byte(strings.Repeat("Dear diary, ", 1000))), "no bbolt file"},
		{"short text", writes([]byte("hello")), "no bbolt file"},
		{"empty", writes(nil), "it is empty"},
		{"garbage", writes(garbage(64 << 10)), "no bbolt file"},
		{"zeros", writes(make([]byte, 64<<10)), "no bbolt file"},
		{"SQLite", writes(append([]byte("SQLite format 3\x00"), garbage(16<<10)...)), "no bbolt file"},
		{"another bbolt program", hasBuckets("users", "sessions"), "another program"},
		{"bbolt file without a transaction", hasBuckets(), "another program"},
		{"another bbolt program with metadata", hasMeta(nil), "another program"},
		{"another program of our kind", hasMeta(map[string]string{"program": "synced", "format": "\x00\x00\x00\x01"}), "another program"},
		{"no format version", hasMeta(map[string]string{"program": "syncabled"}), "format version is missing"},
		{"odd format version", hasMeta(map[string]string{"program": "syncabled", "format": "1"}), "format version is missing"},
		{"format version from before the first release", hasMeta(map[string]string{"program": "syncabled", "format": "\x00\x00\x00\x01"}), "it has format 1"},
		{"newer format version", newerFormat, "it has format 5, this program writes format 4 and reads formats from 2 on"},
	} {
		t.Run(file.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file.db")
			file.make(t, path)
			untouched := fingerprint(t, path)
			for range 2 {
				_, err := boltlog.Open(path, boltlog.Options{})
				if !errors.Is(err, boltlog.ErrFormat) {
					t.Fatalf("got error %v, want ErrFormat", err)
				}
				if !strings.Contains(err.Error(), file.says) || !strings.Contains(err.Error(), path) {
					t.Errorf("the error says %q, want it to say %q and to name the file", err, file.says)
				}
			}
			untouched()
		})
	}
}

func TestOpenRefusesTruncatedFiles(t *testing.T) {
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole.db")
	db := mustOpen(t, whole, boltlog.Options{})
	fillObjects(t, db, 2000)
	db.CopyTo(t, filepath.Join(dir, "copy.db"))
	bytes, err := os.ReadFile(filepath.Join(dir, "copy.db"))
	if err != nil {
		t.Fatal(err)
	}
	page := os.Getpagesize()
	for _, left := range []int{page - 1, page, 2*page - 1, 2 * page, len(bytes) / 2, len(bytes) * 3 / 4, len(bytes) * 63 / 64, len(bytes) * 255 / 256} {
		path := filepath.Join(dir, "part.db")
		writes(bytes[:left])(t, path)
		untouched := fingerprint(t, path)
		if _, err := boltlog.Open(path, boltlog.Options{}); !errors.Is(err, boltlog.ErrFormat) {
			t.Errorf("the first %d bytes: got error %v, want ErrFormat", left, err)
		}
		if _, err := boltlog.Verify(path); !errors.Is(err, boltlog.ErrFormat) {
			t.Errorf("Verify of the first %d bytes: got error %v, want ErrFormat", left, err)
		}
		untouched()
	}
}

func TestOpenMakesNewFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new.db")
	db := mustOpen(t, path, boltlog.Options{})
	id := db.ID()
	fillObjects(t, db, 1)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = mustOpen(t, path, boltlog.Options{})
	if db.MustHead() != 1 || db.ID() != id {
		t.Errorf("after a reopen the head is %d and the id %s, want 1 and %s", db.MustHead(), db.ID(), id)
	}
}

func TestOpenReportsOtherErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := boltlog.Open(dir, boltlog.Options{}); err == nil {
		t.Error("a folder can be opened")
	}
	if _, err := boltlog.Open(filepath.Join(dir, "no", "folder.db"), boltlog.Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file in no folder: got error %v, want ErrNotExist", err)
	}
}

func TestOpenReportsLockedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file.db")
	db := mustOpen(t, path, boltlog.Options{})
	if _, err := boltlog.Open(path, boltlog.Options{}); !errors.Is(err, boltlog.ErrLocked) {
		t.Errorf("got error %v, want ErrLocked", err)
	}
	fillObjects(t, db, 1)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if head := mustOpen(t, path, boltlog.Options{}).MustHead(); head != 1 {
		t.Errorf("head is %d, want 1", head)
	}
}

func mustOpen(tb testing.TB, path string, options boltlog.Options) *boltlog.DB {
	tb.Helper()
	db, err := boltlog.Open(path, options)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	return db
}

// fillObjects creates n objects.
func fillObjects(tb testing.TB, db *boltlog.DB, n int) {
	tb.Helper()
	set := revlog.Set{Client: "filler", Time: time.Unix(1_800_000_000, 0)}
	for i := range n {
		key := binary.BigEndian.AppendUint64(nil, uint64(i)*0x9E3779B97F4A7C15)
		change := protocol.Change{Type: protocol.Create, Table: "items", Obj: []byte(`{"done":false,"title":"something to do"}`)}
		change.Key = protocol.Key(protocol.AppendQuote(nil, strings.ToValidUTF8(string(key), "?")+string(rune('a'+i%26))))
		set.Changes = append(set.Changes, change)
	}
	if _, err := db.Submit(tb.Context(), set); err != nil {
		tb.Fatal(err)
	}
}

// fingerprint returns a check that a file has not been touched since.
func fingerprint(t *testing.T, path string) func() {
	t.Helper()
	look := func() (sum [32]byte, changed time.Time, mode fs.FileMode) {
		t.Helper()
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return sha256.Sum256(text), info.ModTime(), info.Mode()
	}
	sum, changed, mode := look()
	return func() {
		t.Helper()
		newSum, newChanged, newMode := look()
		if newSum != sum || !newChanged.Equal(changed) || newMode != mode {
			t.Error("the file was touched")
		}
	}
}

func writes(content []byte) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		t.Helper()
		if err := os.WriteFile(path, content, 0o640); err != nil {
			t.Fatal(err)
		}
	}
}

func garbage(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * i >> 3)
	}
	return b
}

func hasBuckets(names ...string) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		t.Helper()
		editBolt(t, path, func(tx *bbolt.Tx) error {
			for _, name := range names {
				if _, err := tx.CreateBucket([]byte(name)); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

func hasMeta(values map[string]string) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		t.Helper()
		editBolt(t, path, func(tx *bbolt.Tx) error {
			meta, err := tx.CreateBucketIfNotExists([]byte("meta"))
			for name, value := range values {
				err = errors.Join(err, meta.Put([]byte(name), []byte(value)))
			}
			return err
		})
	}
}

// newerFormat makes a database that a later version has written.
func newerFormat(t *testing.T, path string) {
	t.Helper()
	db := mustOpen(t, path, boltlog.Options{})
	fillObjects(t, db, 10)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	hasMeta(map[string]string{"format": "\x00\x00\x00\x05"})(t, path)
}

func editBolt(t *testing.T, path string, edit func(*bbolt.Tx) error) {
	t.Helper()
	bolt, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(bolt.Update(edit), bolt.Close()); err != nil {
		t.Fatal(err)
	}
}

package boltlog_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/boltlog"
	"syncabled/revlog/revlogtest"
)

func TestVerifyCounts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file.db")
	db := mustOpen(t, path, boltlog.Options{})
	fillObjects(t, db, 10)
	mustSubmit(t, db, revlog.Set{Client: "a", Changes: []protocol.Change{revlogtest.Create("todos", 1, `{}`), revlogtest.Delete("todos", 1)}})
	mustSubmit(t, db, revlog.Set{Client: "a", Changes: []protocol.Change{revlogtest.Create("todos", 2, `{}`)}, Partial: true})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	untouched := fingerprint(t, path)
	got, err := boltlog.Verify(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(boltlog.Summary{Head: 12, Entries: 12, Objects: 11, Clients: 2, Held: 1}, got); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	untouched()
}

func TestVerifyRefusesForeignFiles(t *testing.T) {
	for name, makeFile := range map[string]func(*testing.T, string){
		"text":                             writes([]byte("Dear diary")),
		"empty":                            writes(nil),
		"another bbolt program":            hasBuckets("users"),
		"bbolt file without a transaction": hasBuckets(),
		"newer format version":             newerFormat,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file.db")
			makeFile(t, path)
			untouched := fingerprint(t, path)
			if _, err := boltlog.Verify(path); !errors.Is(err, boltlog.ErrFormat) {
				t.Errorf("got error %v, want ErrFormat", err)
			}
			untouched()
		})
	}
	absent := filepath.Join(t.TempDir(), "absent.db")
	if _, err := boltlog.Verify(absent); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: got error %v, want ErrNotExist", err)
	}
	if _, err := os.Stat(absent); err == nil {
		t.Error("Verify makes a file")
	}
}

// TestVerifyFindsDamage changes a byte of every third value in a file.
func TestVerifyFindsDamage(t *testing.T) {
	const objects = 60
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole.db")
	db := mustOpen(t, whole, boltlog.Options{})
	fillObjects(t, db, objects)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "damaged.db")
	places, found := 0, 0
	for at, next := 0, 0; next >= 0; places++ {
		if next = bytes.Index(content[at:], []byte("something to do")); next < 0 {
			break
		}
		at += next + 1
		if places%3 != 0 {
			continue
		}
		damaged := bytes.Clone(content)
		damaged[at] ^= 0x20
		writes(damaged)(t, path)
		switch _, err := boltlog.Verify(path); {
		case errors.Is(err, boltlog.ErrBroken):
			found++
		case err != nil:
			t.Errorf("got error %v, want ErrBroken", err)
		}
	}
	// What is found nowhere is in pages that are free.
	if want := 2 * objects / 3; places < 2*objects || found < want {
		t.Errorf("of %d values, damage to a third is found %d times, want %d at least", places, found, want)
	}
}

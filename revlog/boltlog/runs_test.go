package boltlog

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"
)

// TestRunsTakeEachOthersPlace: runs that are merged are kept as room for the next
// ones, so there are never more than there were at once.
func TestRunsTakeEachOthersPlace(t *testing.T) {
	s := openFiltered(t, filepath.Join(t.TempDir(), "runs.db"), Options{bounds: bounds{direct: -1, mergeAt: -1, chunk: 2}})
	const rounds, runs, objects = 5, 3, 10
	n := 0
	for range rounds {
		for range runs {
			for range objects {
				s.create(t, fmt.Sprint(n))
				n++
			}
			s.storeAll()
		}
		if s.objects.runs.count() != runs {
			t.Fatalf("%d runs count, want %d", s.objects.runs.count(), runs)
		}
		for s.objects.merge() {
		}
		if s.objects.runs.count() != 0 {
			t.Fatalf("%d runs count after merging", s.objects.runs.count())
		}
	}
	err := s.file.view(func(tx *bbolt.Tx) error {
		if kept := tx.Bucket(bucketRuns).Stats().BucketN - 1; kept > 2*runs+1 { // one is being emptied
			t.Errorf("the file has %d runs after %d rounds of %d", kept, rounds, runs)
		}
		if there := tx.Bucket(bucketObjects).Stats().KeyN; there != n {
			t.Errorf("%d objects are merged, want %d", there, n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Abandon(); err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(s.file.path); err != nil {
		t.Error(err)
	}
}

// TestRunOnDisk compares a run, before and after it is merged, with what the package
// comment says.
func TestRunOnDisk(t *testing.T) {
	const number, key = "\x00\x00\x00\x00\x00\x00\x00\x01", "\x05items\"k\""
	record := "\x01" + "\x01" + "\x01" + `{}` // last, owner, state, value
	sum := crc32.Checksum([]byte(key+record), crc32.MakeTable(crc32.Castagnoli))
	record = string(binary.BigEndian.AppendUint32(nil, sum)) + record
	s := openFiltered(t, filepath.Join(t.TempDir(), "run.db"), Options{bounds: bounds{direct: -1, chunk: 1}})
	s.create(t, "k")
	s.create(t, "l")
	s.storeAll()
	check := func(merged uint64, object string) {
		t.Helper()
		err := s.file.view(func(tx *bbolt.Tx) error {
			runs := tx.Bucket([]byte("runs"))
			if got := runs.Sequence(); got != merged {
				t.Errorf("run %d is merged, want %d", got, merged)
			}
			if got := runs.Bucket([]byte(number)).Get([]byte(key)); string(got) != record {
				t.Errorf("the run has %q, want %q", got, record)
			}
			if got := tx.Bucket([]byte("objects")).Get([]byte(key)); string(got) != object {
				t.Errorf("objects has %q, want %q", got, object)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	check(0, "")
	for s.objects.merge() {
	}
	check(1, record)
}

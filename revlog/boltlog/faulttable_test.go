package boltlog_test

import (
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"testing"

	"syncabled/revlog"
	"syncabled/revlog/boltlog"
	"syncabled/revlog/revlogtest"
)

func TestFaults(t *testing.T) {
	revlogtest.RunFaults(t, func(tb testing.TB) revlogtest.Disk {
		dir := tempDir(tb)
		return &faultyDisk{boltlog.NewFaultyDisk(dir, boltlog.Small(2, 3)), dir}
	})
}

// A faultyDisk is boltlog's as revlogtest wants it.
type faultyDisk struct {
	*boltlog.FaultyDisk
	dir string
}

func (d *faultyDisk) TryOpen() (revlog.Log, error) {
	log, err := d.FaultyDisk.TryOpen()
	if err != nil {
		return nil, err
	}
	return log, nil
}

func (d *faultyDisk) Open(tb testing.TB) revlog.Log {
	tb.Helper()
	log, err := d.TryOpen()
	if err != nil {
		tb.Fatal(err)
	}
	return log
}

func (d *faultyDisk) Crash(tb testing.TB, _ revlog.Log) {
	tb.Helper()
	if err := d.FaultyDisk.Crash(); err != nil {
		tb.Fatal(err)
	}
}

func (d *faultyDisk) Together(log revlog.Log, sets ...revlog.Set) []error {
	return log.(*boltlog.Stepper).CommitEach(sets...)
}

func (d *faultyDisk) Rest(log revlog.Log) {
	for log.(*boltlog.Stepper).StoreSome() {
	}
}

func (d *faultyDisk) Fail(after int, fault revlogtest.Fault) { d.FaultyDisk.Fail(after, int(fault)) }

func (d *faultyDisk) Cuts(tb testing.TB, most int) iter.Seq2[string, revlogtest.Remains] {
	return func(yield func(string, revlogtest.Remains) bool) {
		n := 0
		for name, content := range d.FaultyDisk.Cuts(most) {
			n++
			dir := filepath.Join(d.dir, fmt.Sprint("cut", n))
			store := &remains{fileStore{dir: dir, options: boltlog.Small(2, 3)}}
			if err := os.MkdirAll(dir, 0o700); err != nil {
				tb.Fatal(err)
			}
			if err := os.WriteFile(store.path(), content, 0o600); err != nil {
				tb.Fatal(err)
			}
			if !yield(name, store) {
				return
			}
		}
	}
}

// remains is a file that a power cut left.
type remains struct{ fileStore }

func (r *remains) Open(tb testing.TB) revlog.Log {
	tb.Helper()
	db, err := boltlog.Open(r.path(), r.options)
	if err != nil {
		tb.Fatal(err)
	}
	return db
}

func (r *remains) Verify() error {
	_, err := boltlog.Verify(r.path())
	return err
}

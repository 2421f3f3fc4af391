package boltlog_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"syncabled/revlog"
	"syncabled/revlog/boltlog"
	"syncabled/revlog/revlogtest"
)

func TestConformance(t *testing.T) {
	for _, variant := range []struct {
		name    string
		options boltlog.Options
	}{
		{"much in memory", boltlog.Options{}},
		{"little in memory", boltlog.Small(8, 100)},
	} {
		t.Run(variant.name, func(t *testing.T) {
			revlogtest.Run(t, func(tb testing.TB) revlogtest.Store {
				return &fileStore{dir: tempDir(tb), options: variant.options}
			})
		})
	}
}

// A fileStore keeps a database in a file. After a crash it goes on in a copy
// of the file, because the process that has the file open is still this one.
type fileStore struct {
	dir     string
	options boltlog.Options
	crashes int
}

func (s *fileStore) path() string {
	return filepath.Join(s.dir, fmt.Sprintf("%d.db", s.crashes))
}

func (s *fileStore) Open(tb testing.TB) revlog.Log {
	tb.Helper()
	db, err := boltlog.Open(s.path(), s.options)
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

func (s *fileStore) Crash(tb testing.TB, log revlog.Log) {
	tb.Helper()
	s.crashes++
	log.(*boltlog.DB).CopyTo(tb, s.path())
}

// tempDir is tb.TempDir, in memory where the system has a place for that: the
// tests commit thousands of times.
func tempDir(tb testing.TB) string {
	tb.Helper()
	if info, err := os.Stat("/dev/shm"); err != nil || !info.IsDir() {
		return tb.TempDir()
	}
	dir, err := os.MkdirTemp("/dev/shm", "revlog-")
	if err != nil {
		return tb.TempDir()
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

package boltlog

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"

	"syncabled/protocol"
	"syncabled/revlog"
)

// A log on a slow disk is closed in time, though it has much only in memory. Nothing of
// that is lost.
func TestCloseOnSlowDisk(t *testing.T) {
	const objects = 100
	path := filepath.Join(t.TempDir(), "slow.db")
	synctest.Test(t, func(t *testing.T) {
		var slow atomic.Bool
		options := Options{bounds: bounds{chunk: 1, direct: objects}}
		options.opened = func(bolt *bbolt.DB) {
			interpose(bolt, func(file func([]byte, int64) (int, error), b []byte, at int64) (int, error) {
				if slow.Load() {
					time.Sleep(20 * time.Millisecond)
				}
				return file(b, at)
			})
		}
		db, err := Open(path, options)
		if err != nil {
			t.Fatal(err)
		}
		set := revlog.Set{Client: "a"}
		for i := range objects {
			set.Changes = append(set.Changes, protocol.Change{Type: protocol.Create, Table: "t", Key: protocol.Key(fmt.Sprint(i)), Obj: []byte("{}")})
		}
		if _, err := db.Submit(t.Context(), set); err != nil {
			t.Fatal(err)
		}
		slow.Store(true)
		begun := time.Now()
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took > finishTimeout+500*time.Millisecond {
			t.Errorf("it took %v to close", took)
		}
	})
	db, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	page, err := db.Read(t.Context(), revlog.Query{Reader: "b"})
	if err != nil || page.Count != objects {
		t.Errorf("%d of %d objects are there, %v", page.Count, objects, err)
	}
}

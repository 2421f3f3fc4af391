package boltlog_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/boltlog"
	"syncabled/revlog/revlogtest"
)

// TestDamagedRecords flips a bit in a record of each kind. Whoever needs the
// record gets an error; everybody else goes on, and the log can be closed.
func TestDamagedRecords(t *testing.T) {
	damagedObject := []protocol.Change{revlogtest.Update("items", 1, `{"x":2}`)}
	for _, damage := range []struct {
		bucket, key string
		reads       []protocol.Revision // positions from which it is in the way
		set         revlog.Set
	}{
		{"objects", "\x05items1", []protocol.Revision{0}, revlog.Set{Client: "b", Base: 3, Changes: damagedObject}},
		{"entries", fixed(2), []protocol.Revision{1}, revlog.Set{Client: "c", Base: 1, Changes: damagedObject}},
		{"held", fixed(1) + fixed(0), nil, revlog.Set{Client: "a"}},
	} {
		t.Run(damage.bucket, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "damaged.db")
			db := mustOpen(t, path, boltlog.Options{})
			mustSubmit(t, db, revlog.Set{Client: "a", Changes: []protocol.Change{revlogtest.Create("items", 1, `{"id":1}`)}})
			mustSubmit(t, db, revlog.Set{Client: "b", Base: 1, Changes: []protocol.Change{revlogtest.Update("items", 1, `{"x":1}`)}})
			mustSubmit(t, db, revlog.Set{Client: "a", Base: 2, Changes: []protocol.Change{revlogtest.Create("items", 2, `{"id":2}`)}})
			mustSubmit(t, db, revlog.Set{Client: "a", Base: 2, Changes: []protocol.Change{revlogtest.Create("items", 3, `{"id":3}`)}, Partial: true})
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := boltlog.Verify(path); err != nil {
				t.Fatal(err)
			}
			editBolt(t, path, func(tx *bbolt.Tx) error {
				bucket := tx.Bucket([]byte(damage.bucket))
				record := bucket.Get([]byte(damage.key))
				if record == nil {
					return fmt.Errorf("no record %q", damage.key)
				}
				flipped := []byte(string(record))
				flipped[len(flipped)-1] ^= 1
				return bucket.Put([]byte(damage.key), flipped)
			})

			if _, err := boltlog.Verify(path); !errors.Is(err, boltlog.ErrBroken) {
				t.Errorf("Verify: got error %v, want ErrBroken", err)
			}
			db = mustOpen(t, path, boltlog.Options{})
			for _, after := range damage.reads {
				_, err := db.Read(t.Context(), revlog.Query{Reader: "reader", After: after})
				wantCorruption(t, err)
			}
			damage.set.Time = time.Unix(1_800_000_000, 0)
			_, err := db.Submit(t.Context(), damage.set)
			wantCorruption(t, err)

			head := mustSubmit(t, db, revlog.Set{Client: "d", Base: 3, Changes: []protocol.Change{revlogtest.Update("items", 2, `{"x":1}`)}}).Head
			page, err := db.Read(t.Context(), revlog.Query{Reader: "reader", After: head - 1})
			if err != nil {
				t.Fatal(err)
			}
			revlogtest.WantChanges(t, page.Changes, revlogtest.Update("items", 2, `{"x":1}`))
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func wantCorruption(t *testing.T, err error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), "record is corrupt") {
		t.Errorf("got error %v, want that a record is corrupt", err)
	}
}

func mustSubmit(tb testing.TB, db *boltlog.DB, c revlog.Command) revlog.Receipt {
	tb.Helper()
	if set, ok := c.(revlog.Set); ok {
		set.Time = time.Unix(1_800_000_000, 0)
		c = set
	}
	receipt, err := db.Submit(tb.Context(), c)
	if err != nil {
		tb.Fatal(err)
	}
	return receipt
}

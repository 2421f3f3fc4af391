package boltlog_test

import (
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/boltlog"
)

// A file from before objects were counted has them counted when it is opened.
func TestObjectsAreCountedOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "old.db")
	submit := func(db *boltlog.DB, changes ...protocol.Change) {
		t.Helper()
		if _, err := db.Submit(t.Context(), revlog.Set{Client: "a", Changes: changes}); err != nil {
			t.Fatal(err)
		}
	}
	create := func(key protocol.Key) protocol.Change {
		return protocol.Change{Type: protocol.Create, Table: "t", Key: key, Obj: []byte(`{}`)}
	}
	db := mustOpen(t, path, boltlog.Options{})
	submit(db, create(`1`), create(`2`), create(`3`), protocol.Change{Type: protocol.Delete, Table: "t", Key: `2`})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	forgetCount(t, path)
	db = mustOpen(t, path, boltlog.Options{})
	submit(db, create(`4`))
	if status, err := db.Status(); err != nil || status.Objects != 3 {
		t.Errorf("it says there are %d objects, %v; want 3", status.Objects, err)
	}
}

func forgetCount(t *testing.T, path string) {
	t.Helper()
	bolt, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer bolt.Close()
	err = bolt.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("entries")).SetSequence(0) })
	if err != nil {
		t.Fatal(err)
	}
}

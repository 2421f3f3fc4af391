package boltlog

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
	"syncabled/revlog/fold"
)

// TestVerifyNamesFirstBrokenThing breaks one record of a good database at a time,
// most of them so that the checksum is right.
func TestVerifyNamesFirstBrokenThing(t *testing.T) {
	entryKey := func(rev protocol.Revision) []byte { return revisionKey(rev) }
	change := protocol.Change{Type: protocol.Create, Table: "items", Key: `1`, Obj: []byte(`{"n":1}`)}
	torn := make([]byte, checksumSize)
	for _, test := range []struct {
		name, bucket string
		key          []byte
		record       []byte // nil: the record is deleted
		want         string
	}{
		{"an entry is gone", "entries", entryKey(2), nil, "entry 3 follows entry 1"},
		{"an entry is torn", "entries", entryKey(2), torn, "entry 2: record is corrupt"},
		{"an entry is of no type", "entries", entryKey(2), appendEntry(nil, revlog.Entry{Client: 1, Previous: 1, Change: protocol.Change{Type: 9}}), "entry 2: unknown type 9"},
		{"an entry is of another object", "entries", entryKey(2), appendEntry(nil, revlog.Entry{Client: 1, Previous: 1, Change: protocol.Change{Type: protocol.Delete, Table: "items", Key: `7`}}), `object 1 of table "items": entry 2 is of another object`},
		{"a chain goes forward", "entries", entryKey(1), appendEntry(nil, revlog.Entry{Client: 1, Previous: 2, Change: change}), `object 1 of table "items": entry 1 follows entry 2`},
		{"an entry is of a stranger", "entries", entryKey(1), appendEntry(nil, revlog.Entry{Client: 2, Change: change}), `object 1 of table "items": entry 1 is not of its owner, client 1`},
		{"an entry says something else", "entries", entryKey(3), appendEntry(nil, revlog.Entry{Client: 1, Change: protocol.Change{Type: protocol.Create, Table: "items", Key: `2`, Obj: []byte(`{}`)}}), `object 2 of table "items": it is not what its entries add up to`},
		{"an object is gone", "objects", []byte(fold.ObjectKey("items", `2`)), nil, "1 entries belong to no object"},
		{"an object is torn", "objects", []byte(fold.ObjectKey("items", `2`)), torn, "record is corrupt"},
		{"an object is ahead", "objects", []byte(fold.ObjectKey("items", `2`)), appendObject(nil, fold.Object{Last: 9, Owner: 1, Value: []byte(`{}`)}), `object 2 of table "items": entry 9: record is corrupt`},
		{"objects are ahead of the log", "meta", metaFolded, append(make([]byte, checksumSize), revisionKey(17)...), "objects are folded up to revision 17, the log ends at 3"},
		{"a client is torn", "clients", []byte("a"), make([]byte, checksumSize), `client "a": record is corrupt`},
		{"two clients have one number", "clients", []byte("z"), encodeClient(fold.Client{Number: 1}), "is out of range or not its own"},
		{"a client has a table that is ahead", "clients", []byte("a"), encodeClient(fold.Client{Number: 1, Tables: tablesAhead()}), `client "a": it is ahead of the log`},
		{"a client has no list of tables", "clients", []byte("a"), append(encodeClient(fold.Client{Number: 1})[:10], 2, 0, 7), `client "a": list of tables is corrupt`},
		{"a client is ahead", "clients", []byte("a"), encodeClient(fold.Client{Number: 1, Base: 99}), `client "a": it is ahead of the log`},
		{"a held message is of nobody", "held", heldKey(7, 0), encodePart(fold.Part{}), "no such client"},
		{"a held message is torn", "held", heldKey(1, 0), torn, "held message: record is corrupt"},
		{"a refused change is torn", "refused", revisionKey(1), torn, "refused change: record is corrupt"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := goodDatabase(t)
			sabotage(t, path, test.bucket, test.key, test.record)
			_, err := Verify(path)
			if !errors.Is(err, ErrBroken) || !strings.Contains(fmt.Sprint(err), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// Who cannot be told from a damaged client is not named as one that has expired.
func TestExpiredAmongDamagedClients(t *testing.T) {
	path := goodDatabase(t)
	sabotage(t, path, "clients", []byte("b"), make([]byte, checksumSize))
	db, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	held := revlog.Set{Client: "a", Partial: true, Time: time.Unix(0, 0), Changes: []protocol.Change{
		{Type: protocol.Create, Table: "items", Key: `3`, Obj: []byte(`{}`)}}}
	if _, err := db.Submit(t.Context(), held); err != nil {
		t.Fatal(err)
	}
	expired, err := db.Expired(t.Context(), time.Unix(2_000_000_000, 0), time.Hour)
	if !errors.Is(err, errCorrupt) || expired != nil {
		t.Errorf("got %q, %v, want an error alone", expired, err)
	}
}

// A database of more pages than one of the words that they are counted in has bits.
func TestVerifyOfLargeDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "large.db")
	for round := range 3 {
		db, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		set := revlog.Set{Client: "a", Time: time.Unix(1_800_000_000, 0)}
		for i := range 2000 {
			obj := []byte(`"` + strings.Repeat("x", i*5) + `"`) // some of them take several pages
			set.Changes = append(set.Changes, protocol.Change{Type: protocol.Create, Table: "items", Key: protocol.Key(fmt.Sprint(round*1000 + i)), Obj: obj})
		}
		if _, err := db.Submit(t.Context(), set); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if s, err := Verify(path); err != nil || s.Objects != (round+2)*1000 {
			t.Fatalf("got %+v, %v", s, err)
		}
	}
}

func TestVerifyOfGoodDatabase(t *testing.T) {
	got, err := Verify(goodDatabase(t))
	if want := (Summary{Head: 3, Entries: 3, Objects: 2, Clients: 1}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

// goodDatabase makes a database of two objects, of which one was updated.
func goodDatabase(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "good.db")
	db, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Submit(t.Context(), revlog.Set{Client: "a", Time: time.Unix(0, 0), Changes: []protocol.Change{
		{Type: protocol.Create, Table: "items", Key: `1`, Obj: []byte(`{"n":1}`)},
		{Type: protocol.Update, Table: "items", Key: `1`, Mods: []byte(`{"n":2}`)},
		{Type: protocol.Create, Table: "items", Key: `2`, Obj: []byte(`{"n":3}`)},
	}})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func sabotage(t *testing.T, path, bucket string, key, record []byte) {
	t.Helper()
	bolt, err := bbolt.Open(path, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = bolt.Update(func(tx *bbolt.Tx) error {
		if record == nil {
			return tx.Bucket([]byte(bucket)).Delete(key)
		}
		return put(tx.Bucket([]byte(bucket)), key, record)
	})
	if err := errors.Join(err, bolt.Close()); err != nil {
		t.Fatal(err)
	}
}

func tablesAhead() revlog.Tables {
	tables, _, _ := revlog.Tables{}.Next([]string{"items"}, 0, 0, 1)
	tables, _, _ = tables.Next([]string{"items", "notes"}, 98, 98, 99)
	return tables
}

package boltlog_test

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/boltlog"
)

// TestOnDisk compares every byte of a small database with what the package
// comment says. A difference is a new format: it needs a new version number, and
// a way to read the old one.
func TestOnDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "golden.db")
	db := mustOpen(t, path, boltlog.Options{})
	id := db.ID()
	arrival := time.UnixMilli(1_800_000_000_123)
	for _, command := range []revlog.Command{
		revlog.Set{Client: "alice", Changes: []protocol.Change{
			{Type: protocol.Create, Table: "items", Key: `"k"`, Obj: []byte(`{"id":"k"}`)},
			{Type: protocol.Create, Table: "", Key: `[1,"\ud800"]`, Obj: []byte(`null`)},
		}},
		revlog.Set{Client: "bob", Base: 2, Changes: []protocol.Change{
			{Type: protocol.Update, Table: "items", Key: `"k"`, Mods: []byte(`{"n":1}`)},
			{Type: protocol.Delete, Table: "", Key: `[1,"\ud800"]`},
		}},
		revlog.Set{Client: "bob", Base: 3, Partial: true, Connection: "c1", Changes: []protocol.Change{
			{Type: protocol.Update, Table: "items", Key: `"k"`, Mods: []byte(`{"n":2}`)},
			{Type: protocol.Delete, Table: "items", Key: `7`},
		}},
		revlog.Set{Client: "bob", Base: 4, Partial: true, Changes: []protocol.Change{
			{Type: protocol.Create, Table: "items", Key: `7`, Obj: []byte(`{}`)},
		}, Refused: []protocol.Refusal{{Table: "items", Key: `9`, Change: []byte(`{"type":4}`), Reason: "why"}}},
		revlog.Resync{Client: "alice", Base: 1, Time: arrival},
		revlog.Set{Client: "alice", Base: 1, Changes: []protocol.Change{{Type: protocol.Update, Table: "items", Key: `"k"`, Mods: []byte(`{"n":3}`)}}},
		revlog.Subscribe{Client: "bob", Base: 4, Tables: []string{"items"}, Time: arrival},
		revlog.Subscribe{Client: "bob", Base: 4, Tables: []string{"items", "notes"}, Arrived: 5, Time: arrival},
		revlog.Set{Client: "carol", Changes: []protocol.Change{{Type: protocol.Delete, Table: "items", Key: `8`}}}, // has no effect, at no time
	} {
		if set, ok := command.(revlog.Set); ok && set.Client != "carol" {
			set.Time = arrival
			command = set
		}
		if _, err := db.Submit(t.Context(), command); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	const hour = 500_000 // 1.8e9 s are so many hours
	received := uvarint(1_800_000_000_123)
	want := map[string]map[string]string{
		"meta": {
			"format":  "\x00\x00\x00\x04",
			"program": "syncabled",
			"id":      checked("id", string(id[:])),
			"folded":  checked("folded", fixed(8)),
		},
		"entries": {
			fixed(1): checked(fixed(1), "\x01", "\x01", "\x00", "\x05items", "\x03\"k\"", `{"id":"k"}`),
			fixed(2): checked(fixed(2), "\x01", "\x01", "\x00", "\x00", "\x0c[1,\"\\ud800\"]", `null`),
			fixed(3): checked(fixed(3), "\x02", "\x02", "\x01", "\x05items", "\x03\"k\"", `{"n":1}`),
			fixed(4): checked(fixed(4), "\x03", "\x02", "\x02", "\x00", "\x0c[1,\"\\ud800\"]"),
			fixed(5): checked(fixed(5), "\x04", "\x02", "\x00", "\x05items", "\x019"),
			fixed(6): checked(fixed(6), "\x05", "\x01", "\x01", "\x00", "\x00"),
			fixed(7): checked(fixed(7), "\x04", "\x01", "\x03", "\x05items", "\x03\"k\"", `{"n":null}`),
			fixed(8): checked(fixed(8), "\x05", "\x02", "\x00", "\x00", "\x00", `["notes"]`),
		},
		"objects": {
			"\x05items\"k\"":      checked("\x05items\"k\"", "\x07", "\x00", "\x01", `{"id":"k","n":1}`),
			"\x00[1,\"\\ud800\"]": checked("\x00[1,\"\\ud800\"]", "\x04", "\x00", "\x00"),
			"\x05items9":          checked("\x05items9", "\x05", "\x00", "\x00"),
		},
		"clients": {
			"alice": checked("alice", "\x01", uvarint(hour), "\x01\x01\x06\x02\x00"),
			"bob":   checked("bob", "\x02", uvarint(hour), "\x04\x00\x00\x02", "\x12", "\x08\x01", "\x00\x00\x05items", "\x08\x05\x05notes"),
			"carol": checked("carol", "\x03\x01\x00\x00\x00\x00\x00"),
		},
		"held": {
			fixed(2) + fixed(0): checked(fixed(2)+fixed(0), "\x03", received, "\x02c1", "\x00",
				"\x02", "\x05items", "\x03\"k\"", "\x07{\"n\":2}",
				"\x03", "\x05items", "\x017", "\x00"),
			fixed(2) + fixed(1): checked(fixed(2)+fixed(1), "\x04", received, "\x00", "\x00",
				"\x01", "\x05items", "\x017", "\x02{}"),
		},
		"refused": {
			fixed(1): checked(fixed(1), "\x02", received, "\x05items", "\x03why", `{"type":4}`),
		},
		"runs": {},
	}
	got, sequence := dump(t, path)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the file (-want +got):\n%s", diff)
	}
	if sequence != 3 {
		t.Errorf("the sequence of the clients is %d, want 3", sequence)
	}
}

// dump reads all that is in a file, and the sequence of its clients.
func dump(t *testing.T, path string) (buckets map[string]map[string]string, sequence uint64) {
	t.Helper()
	bolt, err := bbolt.Open(path, 0, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer bolt.Close()
	buckets = map[string]map[string]string{}
	err = bolt.View(func(tx *bbolt.Tx) error {
		sequence = tx.Bucket([]byte("clients")).Sequence()
		return tx.ForEach(func(name []byte, bucket *bbolt.Bucket) error {
			records := map[string]string{}
			buckets[string(name)] = records
			return bucket.ForEach(func(key, value []byte) error {
				if value == nil {
					return fmt.Errorf("bucket %q has a bucket %q", name, key)
				}
				records[string(key)] = string(value)
				return nil
			})
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return buckets, sequence
}

// checked joins the fields of a record behind the checksum.
func checked(key string, fields ...string) string {
	rest := strings.Join(fields, "")
	sum := crc32.Checksum([]byte(key+rest), crc32.MakeTable(crc32.Castagnoli))
	return string(binary.BigEndian.AppendUint32(nil, sum)) + rest
}

func fixed(n uint64) string { return string(binary.BigEndian.AppendUint64(nil, n)) }

func uvarint(n uint64) string { return string(binary.AppendUvarint(nil, n)) }

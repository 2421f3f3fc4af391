package boltlog

import (
	"encoding/binary"

	"go.etcd.io/bbolt"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/fold"
)

// A view is what a transaction sees of the log. What it returns is valid until the
// transaction ends.
type view struct {
	tx               *bbolt.Tx
	entries, numbers *bbolt.Bucket
	opened           *levels // nil until somebody looks for an object in the file
}

func newView(tx *bbolt.Tx) *view {
	return &view{tx: tx, entries: tx.Bucket(bucketEntries), numbers: tx.Bucket(bucketClients)}
}

// levels opens the buckets of objects, which most commits need not do.
func (v *view) levels() *levels {
	if v.opened == nil {
		v.opened = &levels{countingRuns(v.tx), v.tx.Bucket(bucketObjects)}
	}
	return v.opened
}

// Head returns the revision of the last entry.
func (v *view) Head() (protocol.Revision, error) {
	key, _ := v.entries.Cursor().Last()
	if key == nil {
		return 0, nil
	}
	return protocol.Revision(binary.BigEndian.Uint64(key)), nil
}

// Entry returns the entry at a revision.
func (v *view) Entry(rev protocol.Revision) (revlog.Entry, error) {
	key := revisionKey(rev)
	return decodeEntry(key, v.entries.Get(key))
}

// each visits the entries in (after, to].
func (v *view) each(after, to protocol.Revision, visit func(revlog.Entry) error) error {
	cursor := v.entries.Cursor()
	for key, record := cursor.Seek(revisionKey(after + 1)); key != nil; key, record = cursor.Next() {
		if protocol.Revision(binary.BigEndian.Uint64(key)) > to {
			return nil
		}
		e, err := decodeEntry(key, record)
		if err != nil {
			return err
		}
		if err := visit(e); err != nil {
			return err
		}
	}
	return nil
}

// Client returns a client, the zero Client if it is unknown.
func (v *view) Client(identity string) (fold.Client, error) {
	record := v.numbers.Get([]byte(identity))
	if record == nil {
		return fold.Client{}, nil
	}
	return decodeClient(identity, record)
}

// Clients returns the highest number given to a client.
func (v *view) Clients() (uint64, error) {
	return v.numbers.Sequence(), nil
}

// Held returns what is held of a client's set.
func (v *view) Held(client uint64) ([]fold.Part, error) {
	prefix := heldKey(client, 0)
	var parts []fold.Part
	cursor := v.tx.Bucket(bucketHeld).Cursor()
	for key, record := cursor.Seek(prefix); key != nil && binary.BigEndian.Uint64(key) == client; key, record = cursor.Next() {
		p, err := decodePart(key, record)
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// HeldCount returns how many messages are held of a client's set.
func (v *view) HeldCount(client uint64) (int, error) {
	cursor := v.tx.Bucket(bucketHeld).Cursor()
	key, _ := cursor.Seek(heldKey(client+1, 0))
	if key == nil {
		key, _ = cursor.Last()
	} else {
		key, _ = cursor.Prev()
	}
	if key == nil || binary.BigEndian.Uint64(key) != client {
		return 0, nil
	}
	return int(binary.BigEndian.Uint64(key[8:])) + 1, nil
}

// heldKey is the key of a held message, the place-th of its client's set.
func heldKey(client uint64, place int) []byte {
	return binary.BigEndian.AppendUint64(revisionKey(protocol.Revision(client)), uint64(place))
}

// A committed is the state that a fold builds on: a view, with what the store has in
// memory in front of it.
type committed struct {
	*view
	store *store
}

var _ fold.View = committed{}

// committed returns the state as of a transaction of the committer.
func (s *store) committed(tx *bbolt.Tx) committed { return committed{newView(tx), s} }

// Object returns an object, the zero Object if there is none.
func (c committed) Object(key string) (fold.Object, error) {
	return c.store.objects.get(c.view, key)
}

// Client returns a client, the zero Client if it is unknown.
func (c committed) Client(identity string) (fold.Client, error) {
	if known, ok := c.store.clients[identity]; ok {
		return known, nil
	}
	found, err := c.view.Client(identity)
	if err == nil && found.Number != fold.Nobody {
		c.store.cacheClient(identity, found)
	}
	return found, err
}

// HeldCount returns how many messages are held of a client's set.
func (c committed) HeldCount(client uint64) (int, error) {
	if !c.store.holds(client) {
		return 0, nil
	}
	return c.view.HeldCount(client)
}

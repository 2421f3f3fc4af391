package boltlog

import (
	"encoding/binary"

	"go.etcd.io/bbolt"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/fold"
)

// A txView is what a transaction sees of the log. What it returns is valid until the
// transaction ends.
type txView struct {
	tx               *bbolt.Tx
	entries, clients *bbolt.Bucket
	opened           *levels // nil until somebody looks for an object in the file
}

func newView(tx *bbolt.Tx) *txView {
	return &txView{tx: tx, entries: tx.Bucket(bucketEntries), clients: tx.Bucket(bucketClients)}
}

// levels opens the buckets of objects, which most commits need not do.
func (v *txView) levels() *levels {
	if v.opened == nil {
		v.opened = &levels{liveRuns(v.tx), v.tx.Bucket(bucketObjects)}
	}
	return v.opened
}

// Head returns the revision of the last entry.
func (v *txView) Head() (protocol.Revision, error) {
	key, _ := v.entries.Cursor().Last()
	if key == nil {
		return 0, nil
	}
	return protocol.Revision(binary.BigEndian.Uint64(key)), nil
}

// Entry returns the entry at a revision.
func (v *txView) Entry(rev protocol.Revision) (revlog.Entry, error) {
	key := revisionKey(rev)
	return decodeEntry(key, v.entries.Get(key))
}

// each visits the entries in (after, to].
func (v *txView) each(after, to protocol.Revision, visit func(revlog.Entry) error) error {
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
func (v *txView) Client(identity string) (fold.Client, error) {
	record := v.clients.Get([]byte(identity))
	if record == nil {
		return fold.Client{}, nil
	}
	return decodeClient(identity, record)
}

// LastClient returns the highest number given to a client.
func (v *txView) LastClient() (uint64, error) {
	return v.clients.Sequence(), nil
}

// EachHeld visits what is held of a client's set, message by message.
func (v *txView) EachHeld(client uint64, visit func(*fold.Part) error) error {
	cursor := v.tx.Bucket(bucketHeld).Cursor()
	for key, record := cursor.Seek(heldKey(client, 0)); key != nil && binary.BigEndian.Uint64(key) == client; key, record = cursor.Next() {
		p, err := decodePart(key, record)
		if err != nil {
			return err
		}
		if err := visit(&p); err != nil {
			return err
		}
	}
	return nil
}

// HeldCount returns how many messages are held of a client's set.
func (v *txView) HeldCount(client uint64) (int, error) {
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

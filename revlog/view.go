package revlog

import (
	"bytes"
	"encoding/binary"

	"github.com/bits-and-blooms/bloom/v3"
	"go.etcd.io/bbolt"

	"syncabled/conflict"
	"syncabled/protocol"
)

// A txView is the state of a transaction, with the objects of the overlay, if
// it has one, in place of those in the file. What it returns is valid until the
// transaction ends.
type txView struct {
	tx               *bbolt.Tx
	entries, numbers *bbolt.Bucket
	opened           *layers // nil until somebody looks for an object in the file
	overlay          *overlay

	// What is known without a look at the file, if it is not nil, and who is told of
	// looks for objects and of clients that were found.
	known   map[string]client
	sizes   *heldSets
	keys    *keyFilter // of the objects of the file and the overlay
	runKeys map[uint64]*bloom.BloomFilter
	looked  func(objects int)
	met     func(identity string, c client)
}

func newTxView(tx *bbolt.Tx, o *overlay) *txView {
	return &txView{tx: tx, entries: tx.Bucket(bucketEntries), numbers: tx.Bucket(bucketClients), overlay: o}
}

// layers are where the file has objects.
type layers struct {
	runs    []run // the newest first
	objects *bbolt.Bucket
}

// layers opens them, which most commits need not do.
func (v *txView) layers() *layers {
	if v.opened == nil {
		v.opened = &layers{countingRuns(v.tx), v.tx.Bucket(bucketObjects)}
	}
	return v.opened
}

// view returns the state that a fold builds on. Only the committer may call it.
func (db *DB) view(tx *bbolt.Tx) *txView {
	v := newTxView(tx, &db.overlay)
	v.known, v.sizes, v.keys, v.runKeys = db.clients, &db.held, &db.keys, db.runs.filters
	v.met = db.meet
	return v
}

func (v *txView) head() (protocol.Revision, error) {
	key, _ := v.entries.Cursor().Last()
	if key == nil {
		return 0, nil
	}
	return protocol.Revision(binary.BigEndian.Uint64(key)), nil
}

func (v *txView) entry(rev protocol.Revision) (entry, error) {
	key := revisionKey(rev)
	return decodeEntry(key, v.entries.Get(key))
}

func (v *txView) object(key string) (object, error) {
	name := []byte(key)
	if v.keys != nil && v.keys.lacks(name) {
		return object{}, nil
	}
	if v.overlay != nil {
		if obj, ok := v.overlay.get(key); ok {
			return obj, nil
		}
	}
	if v.looked != nil {
		v.looked(1)
	}
	if record := v.record(name); record != nil {
		return decodeObject(name, record)
	}
	if v.keys != nil {
		v.keys.noteVain()
	}
	return object{}, nil
}

// record returns what the newest run has of an object, or else the objects.
func (v *txView) record(name []byte) []byte {
	layers := v.layers()
	for _, run := range layers.runs {
		if filter := v.runKeys[run.number]; filter != nil && !filter.Test(name) {
			continue
		}
		if record := run.bucket.Get(name); record != nil {
			return record
		}
	}
	return layers.objects.Get(name)
}

// stored walks through what the file has of objects, behind a key.
func (v *txView) stored(after string) stored {
	layers := v.layers()
	buckets := make([]*bbolt.Bucket, 0, len(layers.runs)+1)
	for _, run := range layers.runs {
		buckets = append(buckets, run.bucket)
	}
	return seekStored(append(buckets, layers.objects), after)
}

func (v *txView) client(identity string) (client, error) {
	if c, ok := v.known[identity]; ok {
		return c, nil
	}
	record := v.numbers.Get([]byte(identity))
	if record == nil {
		return client{}, nil
	}
	c, err := decodeClient(identity, record)
	if err == nil && v.met != nil {
		v.met(identity, c)
	}
	return c, err
}

func (v *txView) clients() (uint64, error) {
	return v.numbers.Sequence(), nil
}

func (v *txView) held(client uint64) ([]part, error) {
	prefix := heldKey(client, 0)
	var parts []part
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

func (v *txView) heldCount(client uint64) (int, error) {
	if v.sizes != nil && v.sizes.byClient[client].bytes == 0 {
		return 0, nil
	}
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

// each visits the entries in (after, to].
func (v *txView) each(after, to protocol.Revision, visit func(entry) error) error {
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

// heldKey is the key of a held message, the place-th of its client's set.
func heldKey(client uint64, place int) []byte {
	return binary.BigEndian.AppendUint64(revisionKey(protocol.Revision(client)), uint64(place))
}

// replay brings an overlay up to the log: it applies the entries after folded
// to the objects as the file has them. Objects are written to the file in
// batches before folded moves, so some may be ahead of it.
func replay(v *txView, o *overlay, folded protocol.Revision) error {
	return v.each(folded, protocol.MaxRevision, func(e entry) error {
		if e.change.Type == typeResync {
			return nil // it is of no object
		}
		key := objectKey(e.change.Table, e.change.Key)
		obj, err := v.object(key)
		if err != nil || obj.last >= e.revision {
			return err
		}
		value := obj.value
		if !e.isMark() {
			value = conflict.Apply(value, e.change)
		}
		o.set(key, obj.after(e, bytes.Clone(value)))
		return nil
	})
}

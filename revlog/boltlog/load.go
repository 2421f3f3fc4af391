package boltlog

import (
	"bytes"

	"go.etcd.io/bbolt"

	"syncabled/conflict"
	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/fold"
)

// loadObjects loads the objects of a file, whose log ends at a head, and replays the
// entries that its buckets do not cover yet.
func loadObjects(v *txView, file *file, options *Options, head protocol.Revision) (*objects, error) {
	o := newObjects()
	o.file, o.memoryBytes, o.bounds, o.head = file, options.MemoryBytes, options.bounds, head
	if err := o.replay(v); err != nil {
		return nil, err
	}
	o.runs = runsOf(v.tx)
	first, _ := v.levels().base.Cursor().First()
	o.keys.complete = first == nil && o.runs.count() == 0
	o.mutable.objects.Scan(func(key string, _ fold.Object) bool {
		o.keys.add([]byte(key))
		return true
	})
	var err error
	o.present, err = o.countPresent(v)
	return o, err
}

// replay puts into the mutable memtable the objects of the entries after "folded".
// Objects are flushed in chunks before "folded" moves, so some may be ahead of it.
func (o *objects) replay(v *txView) error {
	folded, err := foldedOf(v.tx.Bucket(bucketMeta))
	if err != nil {
		return err
	}
	return v.each(folded, protocol.MaxRevision, func(e revlog.Entry) error {
		if e.Change.Type == revlog.MarkResync {
			return nil // it is of no object
		}
		key := fold.ObjectKey(e.Change.Table, e.Change.Key)
		obj, ok := o.mutable.get(key)
		if !ok {
			if obj, _, err = v.levels().get([]byte(key), nil); err != nil {
				return err
			}
		}
		if obj.Last >= e.Revision {
			return nil
		}
		value := obj.Value
		if !e.IsMark() {
			value = conflict.Apply(value, e.Change)
		}
		o.mutable.put(key, obj.After(e, bytes.Clone(value)))
		return nil
	})
}

// The sequence of the bucket of entries holds the number of objects that are there.
// bbolt writes it again with every commit that adds an entry, so it costs nothing. Zero
// means that they have not been counted, as in files from before the counting;
// otherwise it is one more than the number.

// putPresent notes how many objects there are.
func putPresent(entries *bbolt.Bucket, present int) error {
	if sequence := uint64(present) + 1; entries.Sequence() != sequence {
		return entries.SetSequence(sequence)
	}
	return nil
}

// countPresent returns how many objects there are in the file, with those in memory in
// place of theirs.
func (o *objects) countPresent(v *txView) (int, error) {
	if sequence := v.entries.Sequence(); sequence > 0 {
		return int(sequence - 1), nil
	}
	present := 0
	err := o.scan("", o.mutable.len()).visit(v, func(_ []byte, obj *fold.Object) error {
		if obj.Value != nil {
			present++
		}
		return nil
	})
	return present, err
}

package boltlog

import (
	"bytes"
	"sync"

	"go.etcd.io/bbolt"

	"syncabled/conflict"
	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/fold"
)

// objects holds the present state of every object, as a log-structured merge tree. The
// log has all of it, so none of it need be durable at once:
//
//	put     into the mutable memtable, which becomes the immutable one when it is full
//	flush   the immutable memtable is written to the file in key order, chunk by chunk:
//	        to the base, or, where the base is so large that each object would dirty
//	        a page of its own, to a new run
//	merge   runs are merged into the base when there are many of them, or the log is
//	        idle: the more there are, the more objects share a page of the base
//	get     the mutable memtable, the immutable one, the runs from the newest, the
//	        base: the first one that has the object
//	scan    all of them at once, in key order
//
// Base and runs are the buckets that the package comment calls "objects" and "runs".
// There are two memtables because sorted chunks are cheap only if nothing joins them
// while they are written.
type objects struct {
	// Static after loadObjects.
	file        *file
	memoryBytes int
	bounds      bounds

	// Owned by the committer.
	keys    keyFilter
	runs    runs
	records records
	present int // objects that are there; guarded by mu, too

	// Guarded by mu; changed by the committer only.
	mu            sync.RWMutex
	mutable       *memtable
	immutable     *memtable         // nil if there is none
	head          protocol.Revision // of the log as far as it was put
	immutableHead protocol.Revision // entries up to here are in the immutable memtable or in the file
	flushed       string            // objects of the immutable memtable up to this key are in the file
	flushedCount  int               // so many
}

func newObjects() *objects { return &objects{mutable: newMemtable()} }

// loadObjects returns the objects of a file, and puts those of entries that are not
// folded into them.
func loadObjects(tx *bbolt.Tx, file *file, options *Options) (*objects, error) {
	o := newObjects()
	o.file, o.memoryBytes, o.bounds = file, options.MemoryBytes, options.bounds
	v := newView(tx)
	if err := o.replay(v); err != nil {
		return nil, err
	}
	o.runs = runsOf(tx)
	first, _ := v.levels().base.Cursor().First()
	o.keys.complete = first == nil && o.runs.count() == 0
	o.mutable.objects.Scan(func(key string, _ fold.Object) bool {
		o.keys.add([]byte(key))
		return true
	})
	var err error
	if o.head, err = v.Head(); err != nil {
		return nil, err
	}
	o.present, err = o.countPresent(v)
	return o, err
}

// replay applies the entries that are not folded into the objects of the file to them.
// Objects are flushed in chunks before "folded" moves, so some may be ahead of it.
func (o *objects) replay(v *view) error {
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

// get returns an object, the zero Object if there is none. Only the committer may call
// it.
func (o *objects) get(v *view, key string) (fold.Object, error) {
	name := []byte(key)
	if o.keys.absent(name) {
		return fold.Object{}, nil
	}
	for _, m := range []*memtable{o.mutable, o.immutable} {
		if m == nil {
			continue
		}
		if obj, ok := m.get(key); ok {
			return obj, nil
		}
	}
	obj, found, err := v.levels().get(name, o.runs.filters)
	if err == nil && !found {
		o.keys.noteMiss()
	}
	return obj, err
}

// put takes in the objects that a commit has changed, the log's head after it, and how
// many more objects are there.
func (o *objects) put(changed map[string]fold.Object, head protocol.Revision, appeared int) {
	for key := range changed {
		o.keys.add([]byte(key))
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for key, obj := range changed {
		o.mutable.put(key, obj)
	}
	o.head = head
	o.present += appeared
}

// count returns how many objects there are.
func (o *objects) count() int {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.present
}

// A scan walks through objects in key order: those of the file, and those that were in
// memory when it began in place of what the file has of them.
type scan struct {
	after  string
	recent []keyed
}

// scan begins a scan after a key. Of the objects in memory it has at most as many as
// asked for. The transaction that it visits has to begin afterwards: what has left the
// memory by then is in the file.
func (o *objects) scan(after string, max int) scan {
	o.mu.RLock()
	defer o.mu.RUnlock()
	recent := o.mutable.after(after, max)
	if o.immutable != nil {
		recent = mergeKeyed(recent, o.immutable.after(after, max), max)
	}
	return scan{after, recent}
}

// visit calls a function for each object. What that is passed is valid until it returns.
func (s scan) visit(v *view, visit func(key []byte, obj *fold.Object) error) error {
	records := seekRecords(v.levels().buckets(), s.after)
	key, record := records.next()
	var obj fold.Object
	for recent := s.recent; key != nil || len(recent) > 0; {
		next := key
		if key == nil || len(recent) > 0 && recent[0].key <= string(key) {
			next, obj, recent = []byte(recent[0].key), recent[0].Object, recent[1:]
		} else if err := decodeObject(&obj, key, record); err != nil {
			return err
		}
		if bytes.Equal(next, key) {
			key, record = records.next()
		}
		if err := visit(next, &obj); err != nil {
			return err
		}
	}
	return nil
}

// The number of objects that are there is in the sequence of the bucket of
// entries: bbolt writes that anew with every commit that adds one, so it costs
// nothing. Zero means that nobody has counted yet, as in files that are older than
// the counting; otherwise it is one more than the number.

// putPresent notes how many objects there are.
func putPresent(entries *bbolt.Bucket, present int) error {
	if sequence := uint64(present) + 1; entries.Sequence() != sequence {
		return entries.SetSequence(sequence)
	}
	return nil
}

// countPresent returns how many objects there are in the file, with those in memory in
// place of theirs.
func (o *objects) countPresent(v *view) (int, error) {
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

// levels are where a transaction finds objects in the file.
type levels struct {
	runs []run // that count, the newest first
	base *bbolt.Bucket
}

// get returns an object, if it is there. Filters say which runs need not be looked at.
func (l *levels) get(name []byte, filters runFilters) (obj fold.Object, found bool, err error) {
	record := l.record(name, filters)
	if record == nil {
		return obj, false, nil
	}
	err = decodeObject(&obj, name, record)
	return obj, true, err
}

func (l *levels) record(name []byte, filters runFilters) []byte {
	for _, run := range l.runs {
		if filter := filters[run.number]; filter != nil && !filter.Test(name) {
			continue
		}
		if record := run.bucket.Get(name); record != nil {
			return record
		}
	}
	return l.base.Get(name)
}

// buckets returns where objects are, the newest first.
func (l *levels) buckets() []*bbolt.Bucket {
	buckets := make([]*bbolt.Bucket, 0, len(l.runs)+1)
	for _, run := range l.runs {
		buckets = append(buckets, run.bucket)
	}
	return append(buckets, l.base)
}

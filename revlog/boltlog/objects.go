package boltlog

import (
	"bytes"
	"encoding/binary"
	"sync"

	"github.com/bits-and-blooms/bloom/v3"
	"go.etcd.io/bbolt"

	"syncabled/protocol"
	"syncabled/revlog/fold"
)

// objects holds the present state of every object, as a log-structured merge tree. The
// log has all of it, so none of it need be durable at once:
//
//	put     into the mutable memtable
//	flush   the mutable memtable, when it is full or the log is idle, becomes the
//	        immutable one, which is written to the file in key order, chunk by chunk: to
//	        the base, or, where the base is so large that each object would dirty a page
//	        of its own, to a new run
//	merge   runs are merged into the base when there are many of them, or the log is
//	        idle: the more there are, the more objects share a page of the base
//	get     (after what the group at hand has changed, which the fold keeps) a filter of
//	        all keys, the mutable memtable, the immutable one, the runs from
//	        the newest, the base: the first one that has the object, or knows that there
//	        is none
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
	present int // objects that are there; guarded by mu, too

	// Guarded by mu; changed by the committer only.
	mu            sync.RWMutex
	mutable       *memtable
	immutable     *memtable         // nil if there is none
	head          protocol.Revision // of the log as far as it was put
	immutableHead protocol.Revision // entries up to here are in the immutable memtable or in the file
	flushed       string            // objects of the immutable memtable up to this key are in the file
	flushedCount  int               // number of those
}

func newObjects() *objects { return &objects{mutable: newMemtable()} }

// get returns an object, the zero Object if there is none. Only the committer may call
// it.
func (o *objects) get(v *txView, key string) (fold.Object, error) {
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
func (s scan) visit(v *txView, visit func(key []byte, obj *fold.Object) error) error {
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

// levels are where a transaction finds objects in the file.
type levels struct {
	runs []run // the live ones, the newest first
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

// runFilters tell, by the number of a run, which keys it does not have.
type runFilters map[uint64]*bloom.BloomFilter

// A run is one that is live: it is not merged into the base.
type run struct {
	number uint64
	bucket *bbolt.Bucket
}

// liveRuns returns the runs that are live, the newest first.
func liveRuns(tx *bbolt.Tx) []run {
	bucket := tx.Bucket(bucketRuns)
	if bucket == nil { // in an older format
		return nil
	}
	var found []run
	cursor := bucket.Cursor()
	for key, _ := cursor.Last(); key != nil; key, _ = cursor.Prev() {
		number := binary.BigEndian.Uint64(key)
		if number <= bucket.Sequence() {
			break
		}
		found = append(found, run{number, bucket.Bucket(key)})
	}
	return found
}

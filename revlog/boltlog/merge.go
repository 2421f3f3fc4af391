package boltlog

import (
	"bytes"
	"encoding/binary"
	"maps"

	"github.com/bits-and-blooms/bloom/v3"
	"go.etcd.io/bbolt"

	"syncabled/protocol"
)

// This file writes and merges runs.
//
// In a large database, objects written in random key order each dirty a page of their
// own. So a full memtable is written as a sorted run instead, sequentially, and runs are
// merged into the base later.
//
// While there are runs, a memtable always goes to a new one, so an object is what the
// newest run says that has it, or else the base. Runs that have been merged count no
// more. They are kept as room for the next ones: bbolt writes its list of free pages
// with every commit.

// runs are those of a file, as the committer knows them.
type runs struct {
	newest   uint64 // number of the newest, 0 if there never was one
	merged   uint64 // of the newest that counts no more
	atOpen   uint64 // of the newest that was there on opening
	writing  bool   // the immutable memtable goes to the newest
	mergeDue bool   // there are so many that they are to be merged

	mergeUpTo uint64 // number of the newest that is being merged, 0 if none is
	mergedKey string // objects up to this key are
	dense     bool   // several of the objects that are merged share a page
	mergeDebt int    // objects that are to be merged to keep pace

	filters runFilters // of those written since opening
}

// runFilters tell, by the number of a run, which keys it does not have.
type runFilters map[uint64]*bloom.BloomFilter

func runsOf(tx *bbolt.Tx) runs {
	bucket := tx.Bucket(bucketRuns)
	r := runs{merged: bucket.Sequence(), filters: runFilters{}}
	r.newest = r.merged
	if key, _ := bucket.Cursor().Last(); key != nil {
		r.newest = binary.BigEndian.Uint64(key)
	}
	r.atOpen = r.newest
	return r
}

// count returns how many runs count.
func (r *runs) count() int { return int(r.newest - r.merged) }

// A run is one that counts.
type run struct {
	number uint64
	bucket *bbolt.Bucket
}

// countingRuns returns the runs that count, the newest first.
func countingRuns(tx *bbolt.Tx) []run {
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

// beginRun has the immutable memtable go to a run, or to the base if it is small or most
// pages of the base would change anyway.
func (o *objects) beginRun() {
	count := o.immutable.len()
	r, b := &o.runs, o.bounds
	r.writing = r.count() > 0 || count > b.chunk && count*b.direct < o.present
	if !r.writing {
		return
	}
	r.mergeDue = r.count() >= b.maxRuns || r.count()*count*b.mergeAt >= o.present
	r.newest++
	r.filters[r.newest] = bloom.New(uint(count)*bitsPerKey, hashesPerKey)
}

// target returns the bucket that so many objects of the immutable memtable go to.
func (o *objects) target(tx *bbolt.Tx, objects int) (*bbolt.Bucket, error) {
	if !o.runs.writing {
		return tx.Bucket(bucketObjects), nil
	}
	bucket := tx.Bucket(bucketRuns)
	if err := makeRoom(bucket, objects); err != nil {
		return nil, err
	}
	run, err := bucket.CreateBucketIfNotExists(revisionKey(protocol.Revision(o.runs.newest)))
	if err == nil {
		run.FillPercent = 1 // it is written in key order
	}
	return run, err
}

// makeRoom deletes so many objects from the oldest run, if that counts no more.
func makeRoom(runs *bbolt.Bucket, objects int) error {
	oldest, _ := runs.Cursor().First()
	if oldest == nil || binary.BigEndian.Uint64(oldest) > runs.Sequence() {
		return nil
	}
	run := runs.Bucket(oldest)
	keys := make([][]byte, 0, objects)
	cursor := run.Cursor()
	for key, _ := cursor.First(); key != nil && len(keys) < objects; key, _ = cursor.Next() {
		keys = append(keys, key)
	}
	if len(keys) < objects {
		return runs.DeleteBucket(bytes.Clone(oldest))
	}
	for _, key := range keys {
		if err := run.Delete(key); err != nil {
			return err
		}
	}
	return nil
}

// add notes a key that is about to be in the newest run, if that is being written.
func (r *runs) add(key []byte) {
	if r.writing {
		r.filters[r.newest].Add(key)
	}
}

// wrote notes how many objects were added to the newest run. While older ones are
// merged, a few more are to be merged each time, so that the next are not more.
func (r *runs) wrote(objects int) {
	if r.writing && (r.mergeUpTo > 0 || r.mergeDue) {
		r.mergeDebt += objects * 5 / 4
	}
}

// mergeDue merges runs, if there are many. It keeps pace with those that are
// written.
func (o *objects) mergeDue() {
	const max = 16 // chunks that may be owed
	r, chunk := &o.runs, o.bounds.chunk
	for r.mergeDebt > 0 && o.merge() && r.mergeDebt > max*chunk {
	}
}

// merge moves a chunk of objects from runs to the base. It reports whether there is more
// to do. The run that is being written waits for the next time.
func (o *objects) merge() bool {
	r := &o.runs
	if r.mergeUpTo == 0 {
		upTo := r.newest
		if o.immutable != nil && r.writing {
			upTo--
		}
		if upTo <= r.merged {
			r.mergeDebt = 0
			return false
		}
		r.mergeUpTo, r.mergedKey, r.dense = upTo, "", r.mergeDue
	}
	size := o.bounds.chunk
	if r.dense {
		size *= runChunks
	}
	merged, last := 0, ""
	err := o.file.update(func(tx *bbolt.Tx) error {
		var err error
		if merged, last, err = o.mergeChunk(tx, size); err != nil || merged == size {
			return err
		}
		return tx.Bucket(bucketRuns).SetSequence(r.mergeUpTo)
	})
	if err != nil {
		return false
	}
	r.mergeDebt -= merged
	if merged == size {
		r.mergedKey = last
		return true
	}
	maps.DeleteFunc(r.filters, func(number uint64, _ *bloom.BloomFilter) bool { return number <= r.mergeUpTo })
	r.merged, r.mergeUpTo, r.mergeDebt = r.mergeUpTo, 0, 0
	return r.count() > 0
}

// mergeChunk writes the next objects of the runs that are being merged. It returns how
// many there were, and the last.
func (o *objects) mergeChunk(tx *bbolt.Tx, size int) (n int, last string, err error) {
	var merging []*bbolt.Bucket
	for _, run := range countingRuns(tx) {
		if run.number <= o.runs.mergeUpTo {
			merging = append(merging, run.bucket)
		}
	}
	records, base := seekRecords(merging, o.runs.mergedKey), tx.Bucket(bucketObjects)
	for ; n < size; n++ {
		key, record := records.next()
		if key == nil {
			break
		}
		o.keys.add(key)
		if err := base.Put(key, record); err != nil {
			return 0, "", err
		}
		last = string(key)
	}
	return n, last, nil
}

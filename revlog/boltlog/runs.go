package boltlog

import (
	"bytes"
	"encoding/binary"

	"github.com/bits-and-blooms/bloom/v3"
	"go.etcd.io/bbolt"

	"syncabled/protocol"
)

// This file writes runs.
//
// In a large database the keys of a memtable lie so far apart that each object would
// dirty a page of its own. So a full memtable is written as a sorted run instead,
// sequentially, and runs are merged into the base later.
//
// While a run is live, a memtable always goes to a new one, so the newest run
// that has an object counts; if none has it, the base does. Runs that have been merged
// are obsolete. They are kept as room for the next ones, because a freed run would make
// the list of free pages long, which bbolt writes with every commit.

// runs are those of a file, as the committer knows them.
type runs struct {
	newest   uint64 // number of the newest, 0 if there never was one
	merged   uint64 // of the newest that is obsolete
	atOpen   uint64 // of the newest that was there on opening
	writing  bool   // the immutable memtable goes to the newest
	mergeDue bool   // there are so many that they are to be merged

	mergeUpTo uint64 // number of the newest that is being merged, 0 if none is
	mergedKey string // objects up to this key have been
	dense     bool   // several of the objects that are merged share a page
	mergeDebt int    // objects that are to be merged to keep pace

	filters runFilters // of those written since opening
}

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

// count returns how many runs are live.
func (r *runs) count() int { return int(r.newest - r.merged) }

// beginRun has the immutable memtable go to a new run. If no run is live it goes to the
// base where it is small, or most pages of the base would change anyway.
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
func (o *objects) target(tx *bbolt.Tx, n int) (*bbolt.Bucket, error) {
	if !o.runs.writing {
		return tx.Bucket(bucketObjects), nil
	}
	bucket := tx.Bucket(bucketRuns)
	if err := makeRoom(bucket, n); err != nil {
		return nil, err
	}
	run, err := bucket.CreateBucketIfNotExists(revisionKey(protocol.Revision(o.runs.newest)))
	if err == nil {
		run.FillPercent = 1 // it is written in key order
	}
	return run, err
}

// makeRoom deletes so many objects from the oldest run, if that is obsolete.
func makeRoom(runs *bbolt.Bucket, n int) error {
	oldest, _ := runs.Cursor().First()
	if oldest == nil || binary.BigEndian.Uint64(oldest) > runs.Sequence() {
		return nil
	}
	run := runs.Bucket(oldest)
	keys := make([][]byte, 0, n)
	cursor := run.Cursor()
	for key, _ := cursor.First(); key != nil && len(keys) < n; key, _ = cursor.Next() {
		keys = append(keys, key)
	}
	if len(keys) < n {
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

// wrote notes how many objects were added to the newest run. While a merge is due or
// under way, each adds 5/4 to the merge debt, so that runs do not pile up.
func (r *runs) wrote(objects int) {
	if r.writing && (r.mergeUpTo > 0 || r.mergeDue) {
		r.mergeDebt += objects * 5 / 4
	}
}

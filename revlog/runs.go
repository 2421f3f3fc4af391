package revlog

import (
	"bytes"
	"encoding/binary"
	"maps"

	"github.com/bits-and-blooms/bloom/v3"
	"go.etcd.io/bbolt"

	"syncabled/protocol"
)

// Of many objects in random order, each has a page of its own among the objects of
// a large database, so to write one is to write a page. Then the settled layer goes
// to a run, page after page, and runs are merged into the objects when there are
// many of them, or nothing else is to do: the more there are, the more objects share
// a page.
//
// While runs count, whatever is written goes to a run, so an object is what the
// newest run says that has it, and else what the objects say. Those that are merged
// count no more. They are kept as room for the next ones: bbolt writes its list of free
// pages with every commit.

// runs are those of a file, as the committer knows them.
type runs struct {
	newest  uint64 // number of the newest, 0 if there never was one
	merged  uint64 // of the newest that counts no more
	found   uint64 // of the newest that was there on opening
	writing bool   // the settled layer goes to the newest
	due     bool   // there are so many that they are to be merged

	goal  uint64 // of the newest that is being merged, 0 if none is
	after string // objects up to this key are
	dense bool   // several objects share a page
	owed  int    // objects that are to be merged to keep pace

	filters map[uint64]*bloom.BloomFilter // of keys, by run, of those written since opening
}

func runsOf(tx *bbolt.Tx) runs {
	bucket := tx.Bucket(bucketRuns)
	r := runs{merged: bucket.Sequence(), filters: map[uint64]*bloom.BloomFilter{}}
	r.newest = r.merged
	if key, _ := bucket.Cursor().Last(); key != nil {
		r.newest = binary.BigEndian.Uint64(key)
	}
	r.found = r.newest
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

// beginRun has the settled layer go to a run, or to the objects if they are few or
// most of their pages would change anyway.
func (db *DB) beginRun() {
	objects := db.overlay.settled.Len()
	r, b := &db.runs, db.options.bounds
	r.writing = r.count() > 0 || objects > b.storeBatch && objects*b.direct < db.present
	if !r.writing {
		return
	}
	r.due = r.count() >= b.mostRuns || r.count()*objects*b.mergeAt >= db.present
	r.newest++
	r.filters[r.newest] = bloom.New(uint(objects)*bitsPerKey, hashesPerKey)
}

// storedIn returns the bucket that so many objects of the settled layer go to.
func (db *DB) storedIn(tx *bbolt.Tx, objects int) (*bbolt.Bucket, error) {
	if !db.runs.writing {
		return tx.Bucket(bucketObjects), nil
	}
	bucket := tx.Bucket(bucketRuns)
	if err := makeRoom(bucket, objects); err != nil {
		return nil, err
	}
	run, err := bucket.CreateBucketIfNotExists(revisionKey(protocol.Revision(db.runs.newest)))
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
	if r.writing && (r.goal > 0 || r.due) {
		r.owed += objects * 5 / 4
	}
}

// mergeBehind merges runs, if there are many. It keeps pace with those that are
// written.
func (db *DB) mergeBehind() {
	const most = 16 // batches that may be owed
	r, batch := &db.runs, db.options.bounds.storeBatch
	for r.owed > 0 && db.mergeSome() && r.owed > most*batch {
	}
}

// mergeSome merges a batch of objects from runs. It reports whether there is more to
// do. The run that is being written waits for the next time.
func (db *DB) mergeSome() bool {
	r := &db.runs
	if r.goal == 0 {
		goal := r.newest
		if db.overlay.settled != nil && r.writing {
			goal--
		}
		if goal <= r.merged {
			r.owed = 0
			return false
		}
		r.goal, r.after, r.dense = goal, "", r.due
	}
	most := db.options.bounds.storeBatch
	if r.dense {
		most *= runBatches
	}
	batch, last := 0, ""
	err := db.update(func(tx *bbolt.Tx) error {
		var err error
		if batch, last, err = db.merge(tx, most); err != nil || batch == most {
			return err
		}
		return tx.Bucket(bucketRuns).SetSequence(r.goal)
	})
	if err != nil {
		return false
	}
	r.owed -= batch
	if batch == most {
		r.after = last
		return true
	}
	maps.DeleteFunc(r.filters, func(number uint64, _ *bloom.BloomFilter) bool { return number <= r.goal })
	r.merged, r.goal, r.owed = r.goal, 0, 0
	return r.count() > 0
}

// merge writes the next objects of the runs that are being merged. It returns how
// many there were, and the last.
func (db *DB) merge(tx *bbolt.Tx, most int) (n int, last string, err error) {
	var layers []*bbolt.Bucket
	for _, run := range countingRuns(tx) {
		if run.number <= db.runs.goal {
			layers = append(layers, run.bucket)
		}
	}
	stored, objects := seekStored(layers, db.runs.after), tx.Bucket(bucketObjects)
	for ; n < most; n++ {
		key, record := stored.next()
		if key == nil {
			break
		}
		db.keys.add(key)
		if err := objects.Put(key, record); err != nil {
			return 0, "", err
		}
		last = string(key)
	}
	return n, last, nil
}

package boltlog

import (
	"maps"

	"github.com/bits-and-blooms/bloom/v3"
	"go.etcd.io/bbolt"
)

// payMergeDebt merges runs until little is owed. It keeps pace with those that are
// written.
func (o *objects) payMergeDebt() {
	const max = 16 // chunks that may be owed
	r, chunk := &o.runs, o.bounds.chunk
	for r.mergeDebt > 0 && o.merge() && r.mergeDebt > max*chunk {
	}
}

// merge moves a chunk of objects from runs to the base. It reports whether to go on:
// false when nothing is left, or after an error. The run that is being written waits
// for the next time.
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
	for _, run := range liveRuns(tx) {
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

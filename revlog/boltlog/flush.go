package boltlog

import "go.etcd.io/bbolt"

// isDue reports whether objects are to be written, merged, or read for the filter.
func (o *objects) isDue() bool {
	return o.isFlushDue() || o.runs.mergeDebt > 0 || o.keys.loadDebt > 0
}

// doDue does what is due. It keeps pace with the writers: the immutable memtable is in
// the file before the mutable one is full, and a run, which costs little, long before.
func (o *objects) doDue() {
	flushes := true
	for flushes && o.isFlushDue() {
		flushes = o.flush()
	}
	if flushes { // a disk that takes no flush takes no merge
		o.payMergeDebt()
	}
	o.loadKeys()
}

func (o *objects) isFlushDue() bool {
	full := o.memoryBytes
	due := full * 3 / 4
	if o.runs.writing {
		due = full / 4
	}
	return o.immutable == nil && o.mutable.bytes >= full || o.isFlushLate(due)
}

// isFlushLate reports whether flushing lags behind the writers: whether the part of the
// immutable memtable that is in the file is smaller than mutable.bytes/size.
func (o *objects) isFlushLate(size int) bool {
	return o.immutable != nil && o.flushedCount*size < o.immutable.len()*o.mutable.bytes
}

// runChunks is how many chunks are written at once where neighbours share pages: to a
// run, or to the base in a dense merge.
const runChunks = 4

// flush writes a chunk of the immutable memtable to the file. If there is none, the
// mutable one becomes it first. It reports whether to go on: false when nothing is
// left, or after an error. What it cannot write stays in memory, where nothing is lost:
// the log has it.
func (o *objects) flush() bool {
	if o.immutable == nil {
		if o.mutable.len() == 0 {
			return false
		}
		o.freeze()
		o.beginRun()
	}
	size := o.bounds.chunk
	if o.runs.writing {
		size *= runChunks
	}
	chunk := o.immutable.after(o.flushed, size)
	err := o.file.update(func(tx *bbolt.Tx) error { return o.write(tx, chunk, len(chunk) < size) })
	if err != nil {
		return false
	}
	o.runs.wrote(len(chunk))
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(chunk) < size {
		o.immutable = nil
		return o.mutable.len() > 0
	}
	o.flushed = chunk[len(chunk)-1].key
	o.flushedCount += len(chunk)
	return true
}

// freeze makes the mutable memtable the immutable one. There must be none.
func (o *objects) freeze() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.immutable, o.immutableHead, o.flushed, o.flushedCount = o.mutable, o.head, "", 0
	o.mutable = newMemtable()
}

// write writes a chunk, and after the last one how far the log is folded into objects.
func (o *objects) write(tx *bbolt.Tx, chunk []keyed, isLast bool) error {
	bucket, err := o.target(tx, len(chunk))
	if err != nil {
		return err
	}
	for _, obj := range chunk {
		key := []byte(obj.key)
		o.runs.add(key)
		if err := putRecord(&o.file.records, bucket, key, obj.Object, appendObject); err != nil {
			return err
		}
	}
	if !isLast {
		return nil
	}
	return putMeta(tx.Bucket(bucketMeta), metaFolded, revisionKey(o.immutableHead))
}

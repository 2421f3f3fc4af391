package revlog

import (
	"go.etcd.io/bbolt"
)

// storeBehind writes a batch of objects that are only in memory to the file, if there
// are too many. It keeps pace with the writers: the settled layer is in the file
// before the fresh one is full.
func (db *DB) storeBehind() {
	full := db.options.MemoryBytes
	if db.overlay.settled == nil && db.overlay.freshSize >= full || db.overlay.lags(full*3/4) {
		db.storeSome()
	}
}

// storeSome writes one batch of objects to the file. It reports whether there is
// more to do. What it cannot write stays in memory, where nothing is lost: the
// log has it.
func (db *DB) storeSome() bool {
	if db.overlay.settled == nil {
		if db.overlay.fresh.Len() == 0 {
			return false
		}
		db.mu.Lock()
		db.overlay.settle(db.head)
		db.mu.Unlock()
	}
	storeBatch := db.options.bounds.storeBatch
	batch := db.overlay.nextStored(storeBatch)
	err := db.update(func(tx *bbolt.Tx) error {
		objects := tx.Bucket(bucketObjects)
		for _, obj := range batch {
			db.noteLook()
			if err := put(objects, []byte(obj.key), obj.encode()); err != nil {
				return err
			}
		}
		if len(batch) == storeBatch {
			return nil
		}
		return putMeta(tx.Bucket(bucketMeta), metaFolded, revisionKey(db.overlay.settledHead))
	})
	if err != nil {
		return false
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if len(batch) < storeBatch {
		db.overlay.settled = nil
		return db.overlay.fresh.Len() > 0
	}
	db.overlay.stored = batch[len(batch)-1].key
	db.overlay.storedCount += len(batch)
	return true
}

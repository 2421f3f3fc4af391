package revlog

import (
	"go.etcd.io/bbolt"
)

// storeBehind writes objects that are only in memory to the file, if there are too
// many. It keeps pace with the writers: the settled layer is in the file before the
// fresh one is full, and a run, which costs little, long before.
func (db *DB) storeBehind() {
	for db.isStoring() {
		if !db.storeSome() {
			return
		}
	}
	db.mergeBehind()
}

// isStoring reports whether objects are to be written now.
func (db *DB) isStoring() bool {
	full := db.options.MemoryBytes
	due := full * 3 / 4
	if db.runs.writing {
		due = full / 4
	}
	return db.overlay.settled == nil && db.overlay.freshSize >= full || db.overlay.lags(due)
}

// isBehind reports whether something is to be done behind the log.
func (db *DB) isBehind() bool { return db.isStoring() || db.runs.owed > 0 || db.keys.owed > 0 }

// runBatches is how many times as many objects are written at once to a run: they
// share pages.
const runBatches = 4

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
		db.beginRun()
	}
	storeBatch := db.options.bounds.storeBatch
	if db.runs.writing {
		storeBatch *= runBatches
	}
	batch := db.overlay.nextStored(storeBatch)
	err := db.update(func(tx *bbolt.Tx) error {
		objects, err := db.storedIn(tx, len(batch))
		if err != nil {
			return err
		}
		defer db.records.reset()
		for _, obj := range batch {
			key := []byte(obj.key)
			db.runs.add(key)
			if err := putRecord(&db.records, objects, key, obj.object); err != nil {
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
	db.runs.wrote(len(batch))
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

// readKeys lets the filter know more of the keys that the file has.
func (db *DB) readKeys() {
	for db.keys.owed > 0 {
		err := db.look(func(tx *bbolt.Tx) error {
			db.keys.readOn(newTxView(tx, nil), db.runs.found)
			return nil
		})
		if err != nil {
			return // whoever looks for what cannot be read is told
		}
	}
}

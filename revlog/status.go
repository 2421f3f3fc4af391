package revlog

import (
	"os"

	"go.etcd.io/bbolt"

	"syncabled/protocol"
)

// A Status says how a database is doing.
type Status struct {
	Head    protocol.Revision
	Objects int   // that are there: tombstones do not count
	Held    int   // bytes held of sets that are not complete, roughly
	Size    int64 // bytes of the file
}

// Status returns how the database is doing. What it costs does not depend on how
// large the database is.
func (db *DB) Status() (Status, error) {
	info, err := os.Stat(db.path)
	if err != nil {
		return Status{}, err
	}
	db.mu.RLock()
	defer db.mu.RUnlock()
	return Status{Head: db.head, Objects: db.present, Held: db.held.total, Size: info.Size()}, nil
}

// The number of objects that are there is in the sequence of the bucket of
// entries: bbolt writes that anew with every commit that adds one, so it costs
// nothing. Zero means that nobody has counted yet, as in files that are older than
// the counting; otherwise it is one more than the number.

// storePresent notes how many objects there are.
func storePresent(tx *bbolt.Tx, present int) error {
	entries := tx.Bucket(bucketEntries)
	if sequence := uint64(present) + 1; entries.Sequence() != sequence {
		return entries.SetSequence(sequence)
	}
	return nil
}

// loadPresent returns how many objects there are. What is not folded into the
// objects of the file is in the overlay.
func loadPresent(v *txView) (int, error) {
	if sequence := v.entries.Sequence(); sequence > 0 {
		return int(sequence - 1), nil
	}
	present := 0
	err := v.eachObject("", v.overlay.after("", v.overlay.fresh.Len()), func(_ []byte, obj *object) error {
		if obj.value != nil {
			present++
		}
		return nil
	})
	return present, err
}

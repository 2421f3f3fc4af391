package revlog

import (
	"time"

	"go.etcd.io/bbolt"
)

// bbolt maps the whole file, and the system counts every page that was ever looked
// at as memory of the process. Pages that are let go are read from the system's
// cache, or from the disk, when they are needed again.

// Pages are let go when so many bytes of changes were read from the file, or a
// commit comes and it was so long ago.
const (
	mostResident = 64 << 20
	residentTime = time.Second
)

// noteRead notes that changes of so many bytes were read from the file.
func (db *DB) noteRead(bytes int) {
	if db.unreleased.Add(int64(bytes)) >= mostResident {
		db.letGo()
	}
}

// noteCommit notes that a group was committed. Only the committer may call it.
func (db *DB) noteCommit() {
	if now := time.Now(); now.Sub(db.released) >= residentTime {
		db.released = now
		db.letGo()
	}
}

// letGo lets go of all pages, if the file is large.
func (db *DB) letGo() {
	db.unreleased.Store(0)
	// Within a transaction the map stays where it is. An error changes nothing.
	_ = db.look(func(tx *bbolt.Tx) error {
		if tx.Size() < mostResident {
			return nil
		}
		return releasePages(db.bolt.Info().Data, uintptr(tx.Size()))
	})
}

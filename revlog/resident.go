package revlog

import "go.etcd.io/bbolt"

// bbolt maps the whole file, and the system counts every page that was ever looked
// at as memory of the process. Pages that are let go are read from the system's
// cache, or from the disk, when they are needed again.

// A database lets go of its pages when the process has more than mostResident bytes
// of files in memory. It finds out whenever it may have looked at residentStep
// bytes more.
const (
	mostResident = 80 << 20
	residentStep = 16 << 20
)

// noteLooks notes that objects are looked for, which lie anywhere in the file. The
// system brings in the pages around each, too.
func (db *DB) noteLooks(n int) {
	const around = 64 << 10
	db.noteRead(n * around)
}

// noteRead notes that so many bytes of the file are looked at.
func (db *DB) noteRead(bytes int) {
	if db.looked.Add(int64(bytes)) < residentStep {
		return
	}
	db.looked.Store(0)
	if residentFiles() > mostResident {
		db.letGo()
	}
}

// letGo lets go of all pages.
func (db *DB) letGo() {
	// Within a transaction the map stays where it is. An error changes nothing.
	_ = db.look(func(tx *bbolt.Tx) error {
		return releasePages(db.bolt.Info().Data, uintptr(tx.Size()))
	})
}

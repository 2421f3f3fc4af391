package revlog

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// This file is how the log and bbolt get on when something fails.
//
// bbolt writes the pages of a transaction where the file has free ones, syncs,
// writes one of two meta pages, the one that makes the transaction count, and
// syncs again. If anything fails before the meta page is written, the file is what
// it was, and the log goes on. If it fails after that, the file shows a
// transaction that may not be on the disk, and never get there: what the system
// could not write it may have dropped. To go on would be to write over pages that
// the transaction on the disk still needs. So the log ends itself. Opening it again
// brings the disk to what the file shows, before anybody sees it.

// ErrFull is wrapped by errors that come from a lack of room on the disk. What
// was refused can be submitted again when there is room.
var ErrFull = errors.New("disk is full")

// lockWait is how long Open waits for another process to let go of a file. It
// is short, because a server holds its files for as long as it runs.
const lockWait = 100 * time.Millisecond

// boltOptions returns options for a file that is written.
func boltOptions() *bbolt.Options {
	options := *bbolt.DefaultOptions
	options.Timeout = lockWait
	options.FreelistType = bbolt.FreelistMapType
	return &options
}

// explain says what an error of bbolt means.
func explain(err error) error {
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return ErrLocked
	case errors.Is(err, berrors.ErrDatabaseNotOpen):
		return ErrClosed
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return fmt.Errorf("%w: it is no bbolt file (%w)", ErrFormat, err)
	case err != nil && strings.Contains(err.Error(), "file size too small"):
		return fmt.Errorf("%w: it is cut off (%w)", ErrFormat, err)
	}
	for _, full := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		// Some errors bbolt passes on as text.
		if errors.Is(err, full) || err != nil && strings.Contains(err.Error(), full.Error()) {
			return fmt.Errorf("%w: %w", ErrFull, err)
		}
	}
	return err
}

// guard calls do, and returns an error where it panics: on a page that is
// damaged, or cannot be read, or for a mistake in the program. One database need
// not bring down the others.
func guard(do func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: %s\n%s", errPanic, describe(v), debug.Stack())
		}
	}()
	return do()
}

// describe returns what a panic is about.
func describe(v any) string {
	if fault, ok := v.(interface{ Addr() uintptr }); ok {
		return fmt.Sprintf("page fault at %#x: the disk cannot deliver a part of the file, or the file was cut off", fault.Addr())
	}
	return fmt.Sprint(v)
}

var errPanic = errors.New("panic")

// transact runs a transaction of View or Update. It reports whether bbolt is left with
// a lock that nobody releases, after a panic when it began or rolled back.
func transact(run func(func(*bbolt.Tx) error) error, do func(*bbolt.Tx) error) (locked bool, err error) {
	var tx *bbolt.Tx
	err = guard(func() error {
		return explain(run(func(t *bbolt.Tx) error {
			tx = t
			return do(t)
		}))
	})
	return errors.Is(err, errPanic) && (tx == nil || tx.DB() != nil), err
}

// look reads with a transaction. That must not stay open for long, because pages
// of the file that become free meanwhile cannot be used again.
func (db *DB) look(read func(*bbolt.Tx) error) error {
	if err := db.givenUp.cause(); err != nil {
		return err
	}
	locked, err := transact(db.bolt.View, read)
	if locked {
		return db.giveUp(err)
	}
	return err
}

// update writes with a transaction. After an error, none of it is in the file, or
// the log has ended. Only the committer may call it.
func (db *DB) update(write func(*bbolt.Tx) error) error {
	if db.fault != nil {
		return db.fault
	}
	if err := db.givenUp.cause(); err != nil {
		return db.endFor(err)
	}
	written := 0
	locked, err := transact(db.bolt.Update, func(tx *bbolt.Tx) error {
		written = tx.ID()
		return write(tx)
	})
	switch {
	case locked:
		return db.endFor(db.giveUp(err))
	case errors.Is(err, errPanic), err != nil && db.mayShow(written):
		db.endFor(err)
	}
	return err
}

// mayShow reports whether the file shows a transaction that failed, or may do so.
func (db *DB) mayShow(transaction int) bool {
	shown := 0
	err := db.look(func(tx *bbolt.Tx) error {
		shown = tx.ID()
		return nil
	})
	return err != nil || shown >= transaction
}

// endFor has the log end itself, after an error that it cannot go on after.
func (db *DB) endFor(err error) error {
	db.fault = err
	if !errors.Is(err, ErrGivenUp) {
		db.fault = fmt.Errorf("%w after an error that left it in doubt: %w", ErrClosed, err)
	}
	db.end()
	return db.fault
}

// draftSuffix is that of files that are not databases yet.
const draftSuffix = ".new"

// create makes a database beside the place where it is going to be, and moves it
// there when it is on the disk: nothing that happens meanwhile leaves a part of one.
func create(path string) error {
	draft := path + draftSuffix
	if err := os.Remove(draft); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	bolt, err := bbolt.Open(draft, 0o600, boltOptions())
	if err == nil {
		err = errors.Join(bolt.Update(initialize), bolt.Close())
	}
	if err == nil {
		err = os.Rename(draft, path)
	}
	if err != nil {
		_ = os.Remove(draft) // it may not be there
		return explain(err)
	}
	return syncDir(filepath.Dir(path))
}

// checkFile opens a file that exists without changing it, and calls check if it
// is ours and the pages that are in use hold together.
func checkFile(path string, pages func(io.ReaderAt, int, meta) error, check func(*bbolt.Tx) error) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Size() == 0 { // create leaves no such file, so it was one of ours that has lost all
		return fmt.Errorf("%w: it is empty", ErrFormat)
	}
	options := *bbolt.DefaultOptions
	options.Timeout = lockWait
	options.ReadOnly = true
	var bolt *bbolt.DB
	err = guard(func() (err error) {
		bolt, err = bbolt.Open(path, 0, &options)
		return explain(err)
	})
	if err != nil {
		return err
	}
	if err := guard(func() error { return checkStructure(bolt, pages) }); err != nil {
		return errors.Join(err, bolt.Close())
	}
	locked, err := transact(bolt.View, func(tx *bbolt.Tx) error {
		if err := checkOurs(tx); err != nil {
			return err
		}
		return check(tx)
	})
	if locked { // Close would wait for ever
		return err
	}
	return errors.Join(err, bolt.Close())
}

// checkStructure checks the pages of a file that bbolt has opened, and no more.
func checkStructure(bolt *bbolt.DB, pages func(io.ReaderAt, int, meta) error) error {
	file, err := os.Open(bolt.Path())
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	pageSize := bolt.Info().PageSize
	m, err := readMeta(file, pageSize)
	if err != nil {
		return err
	}
	if size := m.pages * uint64(pageSize); size > uint64(info.Size()) {
		return fmt.Errorf("%w: it is cut off, %d of %d bytes are left", ErrFormat, info.Size(), size)
	}
	if err := pages(file, pageSize, m); err != nil {
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return nil
}

// settle brings the disk to what the file shows. They can differ after a commit
// that failed, or whose process was killed, between writing the meta page and its
// sync. All other pages were synced before.
func settle(bolt *bbolt.DB) error {
	file, err := os.OpenFile(bolt.Path(), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	pageSize := bolt.Info().PageSize
	metas := make([]byte, 2*pageSize)
	if _, err := file.ReadAt(metas, 0); err != nil {
		return err
	}
	if _, err := file.WriteAt(metas, 0); err != nil { // else a sync would see nothing to do
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if m, err := readMeta(file, pageSize); err != nil || !m.torn {
		return err
	}
	return bolt.Update(func(*bbolt.Tx) error { return nil }) // writes over the torn one
}

package boltlog

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"go.etcd.io/bbolt"

	"syncabled/revlog/boltlog/boltcheck"
)

// ErrLocked is wrapped by Open's error for a file that another process has open.
var ErrLocked = errors.New("in use by another process")

// ErrBroken is wrapped by the errors of Open and Verify for a file that does not hold
// together.
var ErrBroken = errors.New("database is broken")

// lockTimeout is how long Open waits for another process to let go of a file. It
// is short, because a server holds its files for as long as it runs.
const lockTimeout = 100 * time.Millisecond

// boltOptions returns options for a file that is written.
func boltOptions() *bbolt.Options {
	options := *bbolt.DefaultOptions
	options.Timeout = lockTimeout
	options.FreelistType = bbolt.FreelistMapType
	return &options
}

// openFile opens a file that is ours, or a new one. Any other it does not touch.
func openFile(path string, options *Options) (*file, error) {
	_, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		err = create(path)
	case err == nil:
		err = checkFile(path, boltcheck.Upper, func(*bbolt.Tx) error { return nil })
	}
	if err != nil {
		return nil, err
	}
	var bolt *bbolt.DB
	panicked := guard(func() error {
		bolt, err = openForUse(path, options)
		return nil
	})
	if panicked != nil {
		return nil, options.giveUp(panicked) // what was opened of it stays open
	}
	if err != nil {
		return nil, err
	}
	return &file{
		path:    path,
		bolt:    bolt,
		options: options,
		ended:   make(chan struct{}),
		abandon: func(error) {},
		givenUp: surrender{done: make(chan struct{})},
	}, nil
}

func openForUse(path string, options *Options) (*bbolt.DB, error) {
	forUse := boltOptions()
	if runtime.GOOS != "windows" { // where mapping more than the file holds makes it grow
		forUse.InitialMmapSize = options.bounds.mapBytes
	}
	bolt, err := bbolt.Open(path, 0o600, forUse)
	if err != nil {
		return nil, explain(err)
	}
	if options.opened != nil {
		options.opened(bolt)
	}
	if err = rewriteMetas(bolt); err == nil {
		err = upgrade(bolt)
	}
	if err != nil {
		return nil, errors.Join(explain(err), bolt.Close())
	}
	return bolt, nil
}

// tempSuffix is that of files that are not databases yet.
const tempSuffix = ".new"

// create makes a database beside the place where it is going to be, and moves it
// there when it is on the disk: nothing that happens meanwhile leaves a part of one.
func create(path string) error {
	temp := path + tempSuffix
	if err := os.Remove(temp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	bolt, err := bbolt.Open(temp, 0o600, boltOptions())
	if err == nil {
		err = errors.Join(bolt.Update(initialize), bolt.Close())
	}
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		_ = os.Remove(temp) // it may not be there
		return explain(err)
	}
	return syncDir(filepath.Dir(path))
}

// checkFile opens a file that exists without changing it, and calls check if it
// is ours and the pages that are in use hold together.
func checkFile(path string, pages func(io.ReaderAt, boltcheck.Meta) error, check func(*bbolt.Tx) error) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Size() == 0 { // create leaves no such file, so it was one of ours that has lost all
		return fmt.Errorf("%w: it is empty", ErrFormat)
	}
	options := *bbolt.DefaultOptions
	options.Timeout = lockTimeout
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
func checkStructure(bolt *bbolt.DB, pages func(io.ReaderAt, boltcheck.Meta) error) error {
	file, err := os.Open(bolt.Path())
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	meta, err := boltcheck.ReadMeta(file, bolt.Info().PageSize)
	if err != nil {
		return err
	}
	if size := meta.Bytes(); size > uint64(info.Size()) {
		return fmt.Errorf("%w: it is cut off, %d of %d bytes are left", ErrFormat, info.Size(), size)
	}
	err = pages(file, meta)
	switch {
	case errors.Is(err, boltcheck.ErrForeign):
		return fmt.Errorf("%w: %w: %w", ErrBroken, ErrFormat, err)
	case err != nil:
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return nil
}

// rewriteMetas brings the disk to what the file shows. They can differ after a commit
// that failed, or whose process was killed, between writing the meta page and its
// sync. All other pages were synced before.
func rewriteMetas(bolt *bbolt.DB) error {
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
	if meta, err := boltcheck.ReadMeta(file, pageSize); err != nil || !meta.Torn {
		return err
	}
	return bolt.Update(func(*bbolt.Tx) error { return nil }) // writes over the torn one
}

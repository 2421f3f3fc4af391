package boltlog

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/gofrs/flock"

	"syncabled/revlog"
)

// A Dir is a data folder: one file per database, NAME.db, and a lock that keeps
// a second process out.
type Dir struct {
	path    string
	options Options
	lock    *flock.Flock
	space   *space

	mu      sync.Mutex
	givenUp map[string]error // why logs were given up, by the names of their databases
}

const fileSuffix = ".db"

// FileName returns the name of a database's file.
func FileName(name string) string { return name + fileSuffix }

// OpenDir opens a data folder, makes it if there is none, and locks it. The
// error wraps ErrLocked if another process has it.
func OpenDir(path string, options Options) (*Dir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	lock := flock.New(filepath.Join(path, "LOCK"))
	locked, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock data folder: %w", err)
	}
	if !locked {
		return nil, fmt.Errorf("data folder %s: %w", path, ErrLocked)
	}
	d := &Dir{path: path, options: options.withDefaults(), lock: lock, givenUp: map[string]error{}}
	d.space = &space{path: path, minFree: int64(d.options.FreeBytes)}
	d.options.Observe = func(c revlog.Commit) {
		d.space.note(c)
		if options.Observe != nil {
			options.Observe(c)
		}
	}
	return d, nil
}

// Open opens a database of the folder, and makes it if there is none. The error wraps
// [revlog.ErrGivenUp] if its log was given up before.
func (d *Dir) Open(name string) (*DB, error) {
	if err := revlog.CheckName(name); err != nil {
		return nil, err
	}
	path := filepath.Join(d.path, FileName(name))
	_, err := os.Stat(path)
	isNew := errors.Is(err, os.ErrNotExist)
	if err := checkDevice(name, !isNew, runtime.GOOS); err != nil {
		return nil, err
	}
	if isNew {
		if err := d.checkNumber(); err != nil {
			return nil, err
		}
	}
	if err := d.GivenUp()[name]; err != nil {
		return nil, err
	}
	options := d.options
	options.givenUp = func(err error) { d.noteGivenUp(name, err) }
	return Open(path, options)
}

func (d *Dir) noteGivenUp(name string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.givenUp[name] = err
}

// GivenUp returns the databases whose logs were given up, and why. Only a restart of
// the process opens them again.
func (d *Dir) GivenUp() map[string]error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.givenUp)
}

// Check says why the folder cannot serve all of its databases: there is too little
// room on its disk (see [Dir.CheckSpace]), or a log was given up.
func (d *Dir) Check() error {
	if err := d.CheckSpace(); err != nil {
		return err
	}
	givenUp := d.GivenUp()
	if len(givenUp) == 0 {
		return nil
	}
	first := slices.Sorted(maps.Keys(givenUp))[0]
	return fmt.Errorf("database %s: %w", first, givenUp[first])
}

// Exists reports whether the folder has a database.
func (d *Dir) Exists(name string) bool {
	info, err := os.Stat(filepath.Join(d.path, FileName(name)))
	return revlog.ValidName(name) && err == nil && !info.IsDir()
}

func (d *Dir) checkNumber() error {
	names, err := d.Names()
	if err == nil && len(names) >= d.options.Databases {
		err = fmt.Errorf("%w: %d", revlog.ErrTooMany, len(names))
	}
	return err
}

// Names returns the databases in the folder, sorted.
func (d *Dir) Names() ([]string, error) { return Names(d.path) }

// A File is the file of a database.
type File struct {
	Database string
	Size     int64 // bytes
}

// Files returns the files of the databases in the folder, sorted by their names.
// It opens none of them.
func (d *Dir) Files() ([]File, error) {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return nil, err
	}
	var files []File
	for _, entry := range entries {
		name, ok := databaseOf(entry)
		if !ok {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			return nil, err
		}
		files = append(files, File{name, info.Size()})
	}
	return files, nil
}

// databaseOf returns the database whose file an entry of a folder is.
func databaseOf(entry os.DirEntry) (name string, ok bool) {
	name, ok = strings.CutSuffix(entry.Name(), fileSuffix)
	return name, ok && revlog.ValidName(name) && !entry.IsDir()
}

// Names returns the databases in a folder, sorted. It does not need the lock.
func Names(path string) ([]string, error) {
	files, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, file := range files {
		if name, ok := databaseOf(file); ok {
			names = append(names, name)
		}
	}
	return names, nil
}

// Close unlocks the folder. Its databases are to be closed first.
func (d *Dir) Close() error {
	return d.lock.Unlock()
}

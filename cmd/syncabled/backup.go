package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"syncabled/revlog/boltlog"
)

// backupCommand copies databases, from a running server too.
type backupCommand struct {
	dataFolder `embed:""`
	DB         string `name:"db" placeholder:"NAME" help:"Copy only this database."`
	To         string `arg:"" type:"path" help:"Folder for the copies. It is created if it does not exist; files in it are not overwritten."`
}

// Run copies and checks one database after the other.
func (c backupCommand) Run(w world) error {
	began := time.Now()
	names, err := c.chosen()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.To, 0o700); err != nil {
		return err
	}
	copyTo, done, err := c.source(w.ctx)
	if err != nil {
		return err
	}
	defer done()
	for _, name := range names {
		target := filepath.Join(c.To, boltlog.FileName(name))
		if err := writeNew(target, func(out io.Writer) error { return copyTo(name, out) }); err != nil {
			return fmt.Errorf("back up %s: %w", name, err)
		}
		summary, err := boltlog.Verify(target)
		if err != nil {
			return err
		}
		fmt.Fprintf(w.stdout, "%s: revision %d, %d objects\n", target, summary.Head, summary.Objects)
	}
	return c.note(began, len(names))
}

// note notes that there is a backup, if all databases are in it: /metrics has its time.
func (c backupCommand) note(began time.Time, copied int) error {
	if all, err := c.names(); err != nil || c.DB != "" && copied < len(all) {
		return err
	}
	if err := boltlog.NoteBackup(c.Data, began); err != nil {
		return fmt.Errorf("the copies are complete, but the server will not know: %w", err)
	}
	return nil
}

// chosen returns the databases to copy.
func (c backupCommand) chosen() ([]string, error) {
	if c.DB != "" {
		return []string{c.DB}, c.check(c.DB)
	}
	return c.names()
}

// source returns how to copy a database: from the server that has the folder
// open, or from the folder.
func (c backupCommand) source(ctx context.Context) (copyTo func(string, io.Writer) error, done func(), err error) {
	dir, err := boltlog.OpenDir(c.Data, boltlog.Options{})
	if errors.Is(err, boltlog.ErrLocked) {
		client := controlClient(c.Data)
		return func(name string, w io.Writer) error { return fetchBackup(ctx, client, name, w) }, func() {}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	return func(name string, w io.Writer) error { return copyClosed(dir, name, w) }, func() { _ = dir.Close() }, nil
}

func copyClosed(dir *boltlog.Dir, name string, w io.Writer) error {
	db, err := dir.Open(name)
	if err != nil {
		return err
	}
	_, err = db.WriteTo(w)
	return errors.Join(err, db.Close())
}

// writeNew writes a file that must not exist, and removes it if it could not be
// written whole.
func writeNew(path string, write func(io.Writer) error) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%w; a backup does not overwrite: move it away, or choose another folder", err)
	}
	if err != nil {
		return err
	}
	err = write(file)
	err = errors.Join(err, file.Sync(), file.Close())
	if err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

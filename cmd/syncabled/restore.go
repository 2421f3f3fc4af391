package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"syncabled/revlog/boltlog"
)

// restoreCommand makes databases of copies.
type restoreCommand struct {
	dataFolder `embed:""`
	DB         string `name:"db" placeholder:"NAME" help:"Restore only this database."`
	From       string `arg:"" type:"existingdir" help:"Folder of the copies that backup made."`
}

// Run restores one database after the other into a folder that no server uses.
func (c restoreCommand) Run(w world) error {
	names, err := c.chosen()
	if err != nil {
		return err
	}
	dir, err := boltlog.OpenDir(c.Data, boltlog.Options{})
	if err != nil {
		return explainData(err)
	}
	defer dir.Close()
	for _, name := range names {
		file := boltlog.FileName(name)
		head, err := boltlog.Restore(filepath.Join(c.From, file), filepath.Join(c.Data, file))
		if errors.Is(err, os.ErrExist) {
			return fmt.Errorf("database %s exists in %s; a restore does not overwrite: move it away, or choose another folder with --data", name, c.Data)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(w.stdout, "%s: goes on at revision %d\n", filepath.Join(c.Data, file), head)
	}
	return nil
}

// chosen returns the databases to restore. It touches nothing.
func (c restoreCommand) chosen() ([]string, error) {
	copies, err := boltlog.Names(c.From)
	if err != nil {
		return nil, err
	}
	names := copies
	if c.DB != "" {
		names = []string{c.DB}
	}
	for _, name := range names {
		if err := boltlog.CheckRestore(name); err != nil {
			return nil, err
		}
	}
	switch {
	case len(copies) == 0:
		return nil, fmt.Errorf("no copies in %s", c.From)
	case c.DB != "" && !slices.Contains(copies, c.DB):
		return nil, fmt.Errorf("no copy of %s in %s; there are %s", c.DB, c.From, strings.Join(copies, ", "))
	}
	return names, nil
}

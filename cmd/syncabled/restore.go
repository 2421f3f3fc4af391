package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"syncabled/revlog"
)

// restoreCommand makes databases of copies.
type restoreCommand struct {
	dataFolder `embed:""`
	DB         string `name:"db" placeholder:"NAME" help:"Restore only this database."`
	From       string `arg:"" type:"existingdir" help:"Folder of the copies that backup made."`
}

// Run restores one database after the other into a folder that no server uses.
func (c restoreCommand) Run(w world) error {
	names := []string{c.DB}
	if c.DB == "" {
		var err error
		if names, err = revlog.Names(c.From); err != nil {
			return err
		}
	}
	if len(names) == 0 {
		return fmt.Errorf("no copies in %s", c.From)
	}
	dir, err := revlog.OpenDir(c.Data, revlog.Options{})
	if err != nil {
		return explainData(err)
	}
	defer dir.Close()
	for _, name := range names {
		file := revlog.FileName(name)
		head, err := revlog.Restore(filepath.Join(c.From, file), filepath.Join(c.Data, file))
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

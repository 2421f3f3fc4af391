package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"syncabled/revlog/boltlog"
)

// verifyCommand checks database files.
type verifyCommand struct {
	dataFolder `embed:""`
}

// Run checks all databases of a folder and fails with the first broken thing of
// each.
func (c verifyCommand) Run(w world) error {
	names, err := c.names()
	if err != nil {
		return err
	}
	var broken error
	for _, name := range names {
		path := filepath.Join(c.Data, boltlog.FileName(name))
		s, err := boltlog.Verify(path)
		if errors.Is(err, boltlog.ErrLocked) {
			return fmt.Errorf("%w: a server is running%s; verify a copy that 'syncabled backup' makes, or stop it", err, c.trouble(w.ctx))
		}
		if err != nil {
			broken = errors.Join(broken, err)
			continue
		}
		fmt.Fprintf(w.stdout, "%s: ok, revision %d, %d entries, %d objects, %d clients, %d held messages\n",
			path, s.Head, s.Entries, s.Objects, s.Clients, s.Held)
	}
	return broken
}

// trouble returns why the running server is not ready, "" if it is, or does not say.
func (c verifyCommand) trouble(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, controlTimeout)
	defer cancel()
	response, err := askControl(ctx, controlClient(c.Data), "/readyz")
	if err == nil {
		response.Body.Close()
	}
	if !errors.Is(err, errServer) {
		return ""
	}
	return fmt.Sprintf(" (%v)", err)
}

// refusedCommand shows changes that were refused.
type refusedCommand struct {
	dataFolder `embed:""`
	DB         string `name:"db" default:"default" placeholder:"NAME" help:"Database to look at (${default})."`
}

// Run prints the last refused changes of a database as JSON lines.
func (c refusedCommand) Run(w world) error {
	if err := c.check(c.DB); err != nil {
		return err
	}
	dir, err := boltlog.OpenDir(c.Data, boltlog.Options{})
	if err != nil {
		return explainData(err)
	}
	defer dir.Close()
	db, err := dir.Open(c.DB)
	if err != nil {
		return explainData(err)
	}
	defer db.Close()
	refused, err := db.Refused()
	if err != nil {
		return err
	}
	out := json.NewEncoder(w.stdout)
	for _, r := range refused {
		if err := out.Encode(r); err != nil {
			return err
		}
	}
	return nil
}

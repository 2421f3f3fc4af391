package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"syncabled/revlog"
	"syncabled/revlog/boltlog"
)

// dataFolder is the flag that commands about databases share with serve.
type dataFolder struct {
	Data string `default:"data" type:"path" placeholder:"DIR" help:"Folder of the databases (./data)."`
}

// names returns the databases of the folder, of which there has to be one.
func (f dataFolder) names() ([]string, error) {
	names, err := boltlog.Names(f.Data)
	if errors.Is(err, os.ErrNotExist) || err == nil && len(names) == 0 {
		return nil, fmt.Errorf("no databases in %s; name their folder with --data", f.Data)
	}
	return names, explainData(err)
}

// listed names the databases of a folder, or some of them.
func listed(names []string) string {
	const most = 10
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// check refuses the name of a database that the folder does not have, which opening
// it would make.
func (f dataFolder) check(db string) error {
	if err := revlog.CheckName(db); err != nil {
		return err
	}
	names, err := f.names()
	if err == nil && !slices.Contains(names, db) {
		err = fmt.Errorf("no database %s in %s, which has %s; name it with --db, and its folder with --data", db, f.Data, listed(names))
	}
	return err
}

package boltlog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The time of the last backup is kept in a file of the data folder, so that it outlives
// restarts, and counts for a backup that was made while no server ran.
const lastBackupFile = "last-backup"

// NoteBackup notes in a data folder that all of its databases have been copied as they
// were at a time, or later. It needs no lock: the file is replaced as a whole.
func NoteBackup(folder string, at time.Time) error {
	path := filepath.Join(folder, lastBackupFile)
	temp := path + tempSuffix
	text := at.UTC().Format(time.RFC3339) + "\n"
	// Others may read it: the server does, when somebody else made the backup.
	err := os.WriteFile(temp, []byte(text), 0o644)
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		return fmt.Errorf("note the time of the backup: %w", err)
	}
	return nil
}

// LastBackup returns when all databases of the folder were last copied, the zero time if
// they never were.
func (d *Dir) LastBackup() (time.Time, error) {
	text, err := os.ReadFile(filepath.Join(d.path, lastBackupFile))
	if errors.Is(err, os.ErrNotExist) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	return time.Parse(time.RFC3339, strings.TrimSpace(string(text)))
}

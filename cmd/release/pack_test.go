package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// An archive has the bytes of its files and the given time, and nothing else that
// may differ from one machine to another.
func TestArchivesAreTheSame(t *testing.T) {
	at := time.Unix(1_700_000_000, 0).UTC()
	for name, pack := range map[string]func(*os.File, []packed, time.Time) error{"tar": packTar, "zip": packZip} {
		archiveOf := func(mode os.FileMode, modified time.Time) []byte {
			folder := t.TempDir()
			file, archive := filepath.Join(folder, "file"), filepath.Join(folder, "archive")
			if err := os.WriteFile(file, []byte("content"), mode); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(file, modified, modified); err != nil {
				t.Fatal(err)
			}
			err := writeFile(archive, func(out *os.File) error { return pack(out, []packed{{"x/file", file, 0o755}}, at) })
			if err != nil {
				t.Fatal(err)
			}
			packed, err := os.ReadFile(archive)
			if err != nil {
				t.Fatal(err)
			}
			return packed
		}
		if !bytes.Equal(archiveOf(0o600, time.Now()), archiveOf(0o644, time.Unix(1, 0))) {
			t.Errorf("%s: two archives of the same content differ", name)
		}
	}
}

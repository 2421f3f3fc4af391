package boltlog_test

import (
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/boltlog"
	"syncabled/revlog/revlogtest"
)

// TestUpgrade opens files that older versions of the program wrote: with the commands
// of TestOnDisk, by the program of each format.
func TestUpgrade(t *testing.T) {
	for format := 2; format <= 3; format++ {
		t.Run(fmt.Sprint(format), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "old.db")
			unzip(t, fmt.Sprintf("testdata/format%d.db.gz", format), path)
			want := boltlog.Summary{Head: 6, Entries: 6, Objects: 3, Clients: 3, Held: 2, Refused: 1}
			if summary, err := boltlog.Verify(path); err != nil || summary != want {
				t.Fatalf("Verify: got %+v and error %v, want %+v", summary, err, want)
			}
			db := mustOpen(t, path, boltlog.Options{})
			page, err := db.Read(t.Context(), revlog.Query{Reader: "bob", After: 4})
			if err != nil {
				t.Fatal(err)
			}
			revlogtest.WantChanges(t, page.Changes, revlogtest.Delete("items", 9)) // the repair is about the whole object
			receipt, err := db.Submit(t.Context(), revlog.Finish{Client: "bob"})
			if err != nil || receipt.Head != 8 {
				t.Fatalf("finish the held set: got %+v and error %v, want head 8", receipt, err)
			}
			page, err = db.Read(t.Context(), revlog.Query{})
			if err != nil {
				t.Fatal(err)
			}
			revlogtest.WantChanges(t, page.Changes,
				revlogtest.Create("items", "k", `{"id":"k","n":2}`), revlogtest.Create("items", 7, `{}`),
				protocol.Change{Type: protocol.Delete, Key: `[1,"\ud800"]`})
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if got := formatOf(t, path); got != 4 {
				t.Errorf("the file has format %d, want 4", got)
			}
			if _, err := boltlog.Verify(path); err != nil {
				t.Error(err)
			}
		})
	}
}

func unzip(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	r, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func formatOf(t *testing.T, path string) uint32 {
	t.Helper()
	buckets, _ := dump(t, path)
	return binary.BigEndian.Uint32([]byte(buckets["meta"]["format"]))
}

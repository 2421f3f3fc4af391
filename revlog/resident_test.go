//go:build linux

package revlog_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/revlogtest"
)

// TestLargeFileDoesNotStayInMemory writes and reads 300 MB of objects.
func TestLargeFileDoesNotStayInMemory(t *testing.T) {
	db, err := revlog.Open(filepath.Join(t.TempDir(), "large.db"), revlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	obj := `"` + strings.Repeat("x", 100_000) + `"`
	for set := range 60 {
		var changes []protocol.Change
		for i := range 50 {
			changes = append(changes, revlogtest.Create("items", set*50+i, obj))
		}
		if _, err := db.Submit(t.Context(), revlog.Set{Client: "a", Changes: changes, Time: time.Unix(1_800_000_000, 0)}); err != nil {
			t.Fatal(err)
		}
	}
	before := residentFile(t)
	found, q := 0, revlog.Query{Reader: "b", MaxBytes: 1 << 20}
	for more := true; more; {
		page, err := db.Read(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page.Changes {
			if !bytes.Equal(c.Obj, []byte(obj)) {
				t.Fatalf("object %s is not what was written", c.Key)
			}
		}
		found += len(page.Changes)
		more, q.Cursor = page.Partial, page.Next
	}
	if found != 3000 {
		t.Errorf("found %d objects, want 3000", found)
	}
	if grown := residentFile(t) - before; grown > 130<<20 {
		t.Errorf("%d MB of the file are in memory", grown>>20)
	}
}

var residentLine = regexp.MustCompile(`RssFile:\s*(\d+) kB`)

// residentFile returns how much of files the process has in memory, in bytes.
func residentFile(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	match := residentLine.FindSubmatch(status)
	if match == nil {
		t.Skip("the system does not say how much of files is in memory")
	}
	kilobytes, err := strconv.Atoi(string(match[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kilobytes << 10
}

package boltlog_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/boltlog"
	"syncabled/revlog/revlogtest"
)

var damages = flag.Int("damages", 3000, "how many damaged files TestDamagedFiles makes; 0 means one for each byte and its last bit")

// TestDamagedFiles damages the bytes of a small database, one or many at a time.
// Verify always ends, and says that the file is broken, or the file has every
// record that it had. Open ends, and so does whoever uses what it opened.
func TestDamagedFiles(t *testing.T) {
	dir := tempDir(t)
	whole := filepath.Join(dir, "whole.db")
	variedDatabase(t, whole)
	content := usedPart(t, whole)
	want, wantSequence := dump(t, whole)
	path := filepath.Join(dir, "damaged.db")
	n, broken := *damages, 0
	if n == 0 {
		n = len(content)
	}
	for i := range n {
		damaged := bytes.Clone(content)
		if *damages == 0 {
			damaged[i] ^= 1
		} else {
			damage(damaged, rand.New(rand.NewPCG(uint64(i), 0)))
		}
		writes(damaged)(t, path)
		_, err := boltlog.Verify(path)
		switch {
		case err == nil:
			got, sequence := dump(t, path)
			if diff := cmp.Diff(want, got); diff != "" || sequence != wantSequence {
				t.Fatalf("damage %d: Verify finds nothing in a file with other records (-want +got):\n%s", i, diff)
			}
		case !errors.Is(err, boltlog.ErrBroken) && !errors.Is(err, boltlog.ErrFormat):
			t.Fatalf("damage %d: Verify: got error %v, want ErrBroken", i, err)
		default:
			broken++
		}
		use(t, path)
	}
	if broken < n/10 {
		t.Errorf("of %d damages, %d are found", n, broken)
	}
	t.Logf("%d of %d files are found to be broken; in the others the damage is in what is not in use", broken, n)
}

// damage changes a file the way disks and programs do: a bit, a byte, a run of
// zeros, a page in the place of another, or a number in a page's head or among its
// elements, which is what leads from page to page.
func damage(b []byte, random *rand.Rand) {
	page := func() []byte {
		at := random.IntN(len(b)/pageSize) * pageSize
		return b[at : at+pageSize]
	}
	switch random.IntN(6) {
	case 0:
		b[random.IntN(len(b))] ^= 1 << random.IntN(8)
	case 1:
		for range 1 + random.IntN(8) {
			b[random.IntN(len(b))] = byte(random.Uint32())
		}
	case 2:
		clear(page()[random.IntN(pageSize):])
	case 3:
		copy(page(), page())
	case 4:
		p := page()
		copy(p, page())
		copy(p, binary.NativeEndian.AppendUint64(nil, uint64(random.IntN(len(b)/pageSize)))) // but the number is right
	case 5:
		p := page()
		binary.NativeEndian.PutUint64(p[8*random.IntN(40):], uint64(random.IntN(len(b)/pageSize)))
	}
}

const pageSize = 4096

// use opens a database, if it can be opened, reads it all and writes to it.
func use(t *testing.T, path string) {
	t.Helper()
	db, err := boltlog.Open(path, boltlog.Options{})
	if err != nil {
		return
	}
	for _, after := range []protocol.Revision{0, 1} {
		_, _ = db.Read(t.Context(), revlog.Query{Reader: "reader", After: after})
	}
	_, _ = db.Refused()
	_, _ = db.Submit(t.Context(), revlog.Set{Client: "a", Base: 1, Time: time.Unix(1_800_000_000, 0), Changes: []protocol.Change{
		revlogtest.Create("items", 1, `{"id":2}`), revlogtest.Update("items", 2, `{"n":2}`), revlogtest.Delete("items", 3)}})
	_ = db.Close()
}

// variedDatabase makes a database with records of all kinds and pages of all
// kinds: buckets of several levels, small ones, values of several pages, and free
// pages.
func variedDatabase(t *testing.T, path string) {
	t.Helper()
	db := mustOpen(t, path, boltlog.Options{})
	fillObjects(t, db, 150)
	for i := range 20 {
		mustSubmit(t, db, revlog.Set{Client: string(rune('a' + i%5)), Base: protocol.Revision(i), Changes: []protocol.Change{
			revlogtest.Create("items", i%7, `{"id":1,"text":"`+string(bytes.Repeat([]byte("x"), i*500))+`"}`), revlogtest.Update("items", i%3, `{"n":1}`)}})
	}
	mustSubmit(t, db, revlog.Set{Client: "a", Changes: []protocol.Change{revlogtest.Create("todos", 2, `{}`)}, Partial: true,
		Refused: []protocol.Refusal{{Table: "items", Key: "9", Change: []byte(`{}`), Reason: "why"}}})
	mustSubmit(t, db, revlog.Resync{Client: "b", Base: 3, Time: time.Unix(1_800_000_000, 0)})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// usedPart reads a file up to the end of its last page that is not all zeros, and
// one more.
func usedPart(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	used := len(bytes.TrimRight(content, "\x00"))/pageSize + 2
	return content[:min(len(content), used*pageSize)]
}

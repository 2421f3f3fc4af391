package boltlog_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/boltlog"
	"syncabled/revlog/revlogtest/dexie"
)

// TestFoldAgainstReference plays random histories on a database whose every step
// is chosen, crashes included, and on the reference: revisions, entries, objects
// and everything that anybody reads have to be the same.
func TestFoldAgainstReference(t *testing.T) {
	dir := tempDir(t)
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		m := openMachine(t, filepath.Join(dir, fmt.Sprint(n)))
		defer m.remove()
		t.Repeat(map[string]func(*rapid.T){
			"commit":         m.commit,
			"commit unheard": m.commitUnheard,
			"store":          m.store,
			"crash":          m.crash,
			"reopen":         m.reopen,
			"read":           m.read,
			"read more":      m.readMore,
			"":               m.check,
		})
		m.checkReaders(t)
	})
}

// A machine is a database and the reference, side by side.
type machine struct {
	path    string
	options boltlog.Options
	db      *boltlog.Stepper
	ref     *reference

	said    []revlog.Set // all sets so far
	counter int          // of values
	open    []openBatch
}

// An openBatch is a batch of which some pages were read.
type openBatch struct {
	query   revlog.Query
	head    protocol.Revision
	changes []protocol.Change
}

var clients = []string{"a", "b", "c"}

func openMachine(t *rapid.T, path string) *machine {
	m := &machine{
		path:    path,
		options: boltlog.Small(rapid.IntRange(1, 4).Draw(t, "bound"), rapid.IntRange(1, 4).Draw(t, "chunk")),
		ref:     &reference{held: map[string][]revlog.Set{}, bases: map[string]protocol.Revision{}},
	}
	m.ref.logged = func(rev protocol.Revision, effect refEffect) bool {
		entries, err := m.db.Changes()
		return err == nil && int(rev) <= len(entries) &&
			cmp.Equal(describeChanges(entries[rev-1:rev]), describe([]refEffect{effect}))
	}
	m.mustOpen(t)
	return m
}

func (m *machine) mustOpen(t *rapid.T) {
	db, err := boltlog.OpenStepper(m.path, m.options)
	if err != nil {
		t.Fatal(err)
	}
	m.db = db
}

func (m *machine) remove() {
	_ = m.db.Abandon()
	_ = os.Remove(m.path)
}

// commit commits a group of sets.
func (m *machine) commit(t *rapid.T) {
	group := m.drawGroup(t)
	got, err := m.db.Commit(group...)
	if err != nil {
		t.Fatal(err)
	}
	var want []revlog.Receipt
	for _, set := range group {
		want = append(want, m.ref.submit(set))
	}
	if diff := diffReceipts(want, got); diff != "" {
		t.Fatalf("receipts (-want +got):\n%s", diff)
	}
}

// diffReceipts compares receipts with those of the reference, which does not guess how
// the keys of a table are made.
func diffReceipts(want, got []revlog.Receipt) string {
	return cmp.Diff(want, got, cmpopts.IgnoreFields(revlog.Receipt{}, "Collisions"))
}

// commitUnheard commits a group of sets, of which nobody hears because an error
// comes up after they have reached the disk. The clients submit them again.
func (m *machine) commitUnheard(t *rapid.T) {
	group := m.drawGroup(t)
	if err := m.db.CommitUnheard(group...); err != nil {
		t.Fatal(err)
	}
	for _, set := range group {
		m.ref.submit(set)
	}
	m.crash(t) // after such an error the log ends itself
	for _, set := range group {
		got, err := m.db.Commit(set)
		if err != nil {
			t.Fatal(err)
		}
		if diff := diffReceipts([]revlog.Receipt{m.ref.submit(set)}, got); diff != "" {
			t.Fatalf("receipts (-want +got):\n%s", diff)
		}
	}
}

func (m *machine) store(*rapid.T) { m.db.StoreSome() }

func (m *machine) crash(t *rapid.T) {
	if err := m.db.Abandon(); err != nil {
		t.Fatal(err)
	}
	if _, err := boltlog.Verify(m.path); err != nil {
		t.Fatal(err)
	}
	m.mustOpen(t)
}

func (m *machine) reopen(t *rapid.T) {
	for m.db.StoreSome() {
	}
	m.crash(t)
}

// read reads the first page of a batch.
func (m *machine) read(t *rapid.T) {
	m.open = append(m.open, openBatch{
		query: revlog.Query{
			Reader:     rapid.SampledFrom(append(clients, "stranger")).Draw(t, "reader"),
			After:      protocol.Revision(rapid.IntRange(0, int(m.ref.head())).Draw(t, "after")),
			MaxChanges: rapid.IntRange(1, 3).Draw(t, "most"),
		},
		head: m.ref.head(),
	})
	m.readPage(t, len(m.open)-1)
}

// readMore reads another page of a batch, after whatever happened since the last.
func (m *machine) readMore(t *rapid.T) {
	if len(m.open) == 0 {
		t.Skip("no batch is open")
	}
	m.readPage(t, rapid.IntRange(0, len(m.open)-1).Draw(t, "batch"))
}

func (m *machine) readPage(t *rapid.T, n int) {
	b := &m.open[n]
	page, err := m.db.Read(t.Context(), b.query)
	if err != nil {
		t.Fatal(err)
	}
	b.changes = append(b.changes, page.Changes...)
	b.query.Cursor = page.Next
	if page.Revision != b.head {
		t.Fatalf("a page leads to %d, the batch to %d", page.Revision, b.head)
	}
	if page.Partial {
		return
	}
	want := describe(m.ref.read(b.query.Reader, b.query.After, b.head))
	if diff := cmp.Diff(sorted(want), sorted(describeChanges(b.changes))); diff != "" {
		t.Fatalf("%s reads from %d to %d (-want +got):\n%s", b.query.Reader, b.query.After, b.head, diff)
	}
	m.open = slices.Delete(m.open, n, n+1)
}

// check compares what is in the file and in memory with the reference.
func (m *machine) check(t *rapid.T) {
	if head := m.db.MustHead(); head != m.ref.head() {
		t.Fatalf("head is %d, want %d", head, m.ref.head())
	}
	entries, err := m.db.Changes()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(describe(m.ref.history()), describeChanges(entries)); diff != "" {
		t.Fatalf("entries (-want +got):\n%s", diff)
	}
	objects, err := m.db.Objects()
	if err != nil {
		t.Fatal(err)
	}
	replayed, err := m.db.Replayed()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(replayed, objects); diff != "" {
		t.Fatalf("objects (-of the log +in use):\n%s", diff)
	}
	values := []string{}
	for _, obj := range objects {
		if obj.Value != "" {
			values = append(values, fmt.Sprintf("%s %s", obj.Name, dexie.Encode(dexie.Decode([]byte(obj.Value)))))
		}
	}
	if diff := cmp.Diff(sorted(m.ref.values()), sorted(values)); diff != "" {
		t.Fatalf("values (-want +got):\n%s", diff)
	}
	status, err := m.db.Status()
	if err != nil {
		t.Fatal(err)
	}
	if status.Objects != len(values) {
		t.Fatalf("it says there are %d objects, there are %d", status.Objects, len(values))
	}
}

// checkReaders lets everybody read from everywhere.
func (m *machine) checkReaders(t *rapid.T) {
	head := m.ref.head()
	for _, reader := range append(clients, "stranger") {
		for after := range head + 1 {
			page, err := m.db.Read(t.Context(), revlog.Query{Reader: reader, After: after})
			if err != nil {
				t.Fatal(err)
			}
			want := describe(m.ref.read(reader, after, head))
			if diff := cmp.Diff(sorted(want), sorted(describeChanges(page.Changes))); diff != "" {
				t.Fatalf("%s reads from %d (-want +got):\n%s", reader, after, diff)
			}
		}
	}
}

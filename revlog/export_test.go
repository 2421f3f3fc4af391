package revlog

import (
	"bytes"
	"fmt"
	"math"
	"testing"

	"go.etcd.io/bbolt"

	"syncabled/conflict"
	"syncabled/protocol"
)

// Small returns options under which a short history meets every bound; chunk is
// how many objects are read in one transaction.
func Small(bound, chunk int) Options {
	return Options{MemoryBytes: 1, bounds: bounds{storeBatch: bound, direct: -1, mergeAt: -1, mostRuns: 2, objectsChunk: chunk, tailEntries: bound, mapBytes: 1 << 20}}
}

// CopyTo writes the file as of the last commit, which is what is left of it
// after a crash.
func (db *DB) CopyTo(tb testing.TB, path string) {
	tb.Helper()
	err := db.bolt.View(func(tx *bbolt.Tx) error { return tx.CopyFile(path, 0o600) })
	if err != nil {
		tb.Fatal(err)
	}
}

// A Stepper is a database whose committer is the test: what the committer would
// do by itself is done, and done to the end, when the test says so.
type Stepper struct{ *DB }

// OpenStepper opens a database. Its file is not synced: the operating system
// survives the test.
func OpenStepper(path string, options Options) (*Stepper, error) {
	db, err := open(path, options)
	if err != nil {
		return nil, err
	}
	db.bolt.NoSync = true
	return &Stepper{db}, nil
}

// Commit commits a group of sets.
func (s *Stepper) Commit(sets ...Set) ([]Receipt, error) {
	var receipts []Receipt
	group := requests(sets)
	s.commit(group)
	for _, r := range group {
		if r.err != nil {
			return nil, r.err
		}
		receipts = append(receipts, r.receipt)
	}
	return receipts, nil
}

// CommitEach commits a group of sets and returns what each of them returns.
func (s *Stepper) CommitEach(sets ...Set) []error {
	group := requests(sets)
	s.commit(group)
	errs := make([]error, len(group))
	for i, r := range group {
		errs[i] = r.err
	}
	return errs
}

// CommitUnheard commits a group of sets in the file only: what is left when a
// commit reaches the disk but returns an error.
func (s *Stepper) CommitUnheard(sets ...Set) error {
	_, err := s.store(requests(sets))
	return err
}

func requests(sets []Set) []*request {
	var group []*request
	for _, set := range sets {
		group = append(group, newQueue().newRequest(set))
	}
	return group
}

// LimitSize makes the disk full for files beyond a size. 0 is no limit.
func (s *Stepper) LimitSize(bytes int) { s.bolt.MaxSize = bytes }

// Crash abandons the database and opens it again.
func (s *Stepper) Crash(tb testing.TB) *Stepper {
	tb.Helper()
	path := s.bolt.Path()
	if err := s.Abandon(); err != nil {
		tb.Fatal(err)
	}
	again, err := OpenStepper(path, s.options)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = again.Abandon() })
	return again
}

// StoreSome writes a batch of objects to the file, or merges a batch of runs.
func (s *Stepper) StoreSome() bool { return s.storeSome() || s.mergeSome() }

// Abandon ends the database and writes nothing.
func (s *Stepper) Abandon() error { return s.closeFile() }

// An Object is the state of an object, with its key.
type Object struct {
	Name  string // table, space, key
	Last  protocol.Revision
	Owner uint64
	Value string // JSON, empty if it is deleted
}

// Objects returns all objects as the fold sees them: those of the file, and
// those in memory in their place.
func (db *DB) Objects() (objects []Object, err error) {
	err = db.lookAt(func(v *txView) error {
		return v.eachObject("", db.overlay.after("", math.MaxInt), func(key []byte, obj *object) error {
			objects = append(objects, exportObject(string(key), *obj))
			return nil
		})
	})
	return objects, err
}

// Replayed returns all objects as a replay of the whole log gives them.
func (db *DB) Replayed() (objects []Object, err error) {
	scratch := newOverlay()
	err = db.lookAt(func(v *txView) error {
		return v.each(0, protocol.MaxRevision, func(e entry) error {
			key := objectKey(e.change.Table, e.change.Key)
			old, _ := scratch.get(key)
			if old.last != e.previous {
				return fmt.Errorf("entry %d follows entry %d, its record says %d", e.revision, old.last, e.previous)
			}
			value := old.value
			if !e.isMark() {
				value = conflict.Apply(value, e.change)
			}
			scratch.set(key, old.after(e, bytes.Clone(value)))
			return nil
		})
	})
	for _, obj := range scratch.after("", math.MaxInt) {
		objects = append(objects, exportObject(obj.key, obj.object))
	}
	return objects, err
}

func exportObject(name string, o object) Object {
	table, key := splitObjectKey(name)
	return Object{Name: table + " " + key, Last: o.last, Owner: o.owner, Value: string(o.value)}
}

// Entries returns the changes of all entries, by revision.
func (db *DB) Entries() (changes []protocol.Change, err error) {
	err = db.lookAt(func(v *txView) error {
		return v.each(0, protocol.MaxRevision, func(e entry) error {
			if want := protocol.Revision(len(changes) + 1); e.revision != want {
				return fmt.Errorf("entry %d follows entry %d", e.revision, want-1)
			}
			e.change.Obj, e.change.Mods = bytes.Clone(e.change.Obj), bytes.Clone(e.change.Mods)
			changes = append(changes, e.change)
			return nil
		})
	})
	return changes, err
}

func (db *DB) lookAt(at func(*txView) error) error {
	return db.look(func(tx *bbolt.Tx) error { return at(newTxView(tx, nil)) })
}

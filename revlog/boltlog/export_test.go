package boltlog

import (
	"bytes"
	"fmt"
	"math"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"syncabled/conflict"
	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/fold"
)

// Small returns options under which a short history meets every bound; chunk is
// how many objects are read in one transaction.
func Small(bound, chunk int) Options {
	return Options{MemoryBytes: 1, bounds: bounds{chunk: bound, direct: -1, mergeAt: -1, maxRuns: 2, readChunk: chunk, tailEntries: bound, mapBytes: 1 << 20}}
}

// MustHead returns the head of a log that has not ended.
func (db *DB) MustHead() protocol.Revision {
	head, err := db.Head()
	if err != nil {
		panic(err)
	}
	return head
}

// CopyTo writes the file as of the last commit, which is what is left of it
// after a crash.
func (db *DB) CopyTo(tb testing.TB, path string) {
	tb.Helper()
	err := db.file.bolt.View(func(tx *bbolt.Tx) error { return tx.CopyFile(path, 0o600) })
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
	db.file.bolt.NoSync = true
	return &Stepper{db}, nil
}

// Commit commits a group of sets.
func (s *Stepper) Commit(sets ...revlog.Set) ([]revlog.Receipt, error) {
	var receipts []revlog.Receipt
	for _, r := range s.commitGroup(sets) {
		if r.err != nil {
			return nil, r.err
		}
		receipts = append(receipts, r.receipt)
	}
	return receipts, nil
}

// CommitEach commits a group of sets and returns what each of them returns.
func (s *Stepper) CommitEach(sets ...revlog.Set) (errs []error) {
	for _, r := range s.commitGroup(sets) {
		errs = append(errs, r.err)
	}
	return errs
}

func (s *Stepper) commitGroup(sets []revlog.Set) (group []*request) {
	for _, set := range sets {
		group = append(group, s.order.newRequest(set))
	}
	s.order.commit(group)
	return group
}

// CommitUnheard commits a group of sets in the file only: what is left when a
// commit reaches the disk but returns an error.
func (s *Stepper) CommitUnheard(sets ...revlog.Set) error {
	var group []revlog.Command
	for _, set := range sets {
		group = append(group, set)
	}
	defer s.fold.Reset()
	return s.file.update(func(tx *bbolt.Tx) error {
		if err := s.resolve(tx, group, time.Now().Add(time.Hour)); err != nil {
			return err
		}
		result := s.fold.Result()
		return s.write(tx, &result)
	})
}

// LimitSize makes the disk full for files beyond a size. 0 is no limit.
func (s *Stepper) LimitSize(bytes int) { s.file.bolt.MaxSize = bytes }

// Crash abandons the database and opens it again.
func (s *Stepper) Crash(tb testing.TB) *Stepper {
	tb.Helper()
	path := s.file.bolt.Path()
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
func (s *Stepper) StoreSome() bool { return s.objects.flush() || s.objects.merge() }

// Abandon ends the database and writes nothing.
func (s *Stepper) Abandon() error { return s.file.close() }

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
		return db.objects.scan("", math.MaxInt).visit(v, func(key []byte, obj *fold.Object) error {
			objects = append(objects, exportObject(string(key), *obj))
			return nil
		})
	})
	return objects, err
}

// Replayed returns all objects as a replay of the whole log gives them.
func (db *DB) Replayed() (objects []Object, err error) {
	scratch := newMemtable()
	err = db.lookAt(func(v *txView) error {
		return v.each(0, protocol.MaxRevision, func(e revlog.Entry) error {
			key := fold.ObjectKey(e.Change.Table, e.Change.Key)
			old, _ := scratch.get(key)
			if old.Last != e.Previous {
				return fmt.Errorf("entry %d follows entry %d, its record says %d", e.Revision, old.Last, e.Previous)
			}
			value := old.Value
			if !e.IsMark() {
				value = conflict.Apply(value, e.Change)
			}
			scratch.put(key, old.After(e, bytes.Clone(value)))
			return nil
		})
	})
	for _, obj := range scratch.after("", math.MaxInt) {
		objects = append(objects, exportObject(obj.key, obj.Object))
	}
	return objects, err
}

func exportObject(name string, o fold.Object) Object {
	table, key := fold.SplitObjectKey(name)
	return Object{Name: table + " " + key, Last: o.Last, Owner: o.Owner, Value: string(o.Value)}
}

// Changes returns the changes of all entries, by revision.
func (db *DB) Changes() (changes []protocol.Change, err error) {
	err = db.lookAt(func(v *txView) error {
		return v.each(0, protocol.MaxRevision, func(e revlog.Entry) error {
			if want := protocol.Revision(len(changes) + 1); e.Revision != want {
				return fmt.Errorf("entry %d follows entry %d", e.Revision, want-1)
			}
			e.Change.Obj, e.Change.Mods = bytes.Clone(e.Change.Obj), bytes.Clone(e.Change.Mods)
			changes = append(changes, e.Change)
			return nil
		})
	})
	return changes, err
}

func (db *DB) lookAt(at func(*txView) error) error {
	return db.file.view(func(tx *bbolt.Tx) error { return at(newView(tx)) })
}

// ReadHeld reads all that is held, message by message.
func ReadHeld(db *DB) error {
	return db.file.view(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketHeld).ForEach(func(key, record []byte) error {
			_, err := decodePart(key, record)
			return err
		})
	})
}

package boltlog

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"syncabled/protocol"
	"syncabled/revlog"
)

// makeUnreadable has every further read of the first pages of a file, or of all of them
// if pages is 0, end in a page fault, as on a disk that has lost them. It is nil where the
// system has no call for that.
var makeUnreadable func(bolt *bbolt.DB, pages int) error

func mustMakeUnreadable(t *testing.T, bolt *bbolt.DB, pages int) {
	t.Helper()
	if makeUnreadable == nil {
		t.Skip("pages cannot be made unreadable here")
	}
	if err := makeUnreadable(bolt, pages); err != nil {
		t.Fatal(err)
	}
}

func setOf(key int, size int) revlog.Set {
	obj := fmt.Sprintf(`{"id":%d,"text":%q}`, key, strings.Repeat("x", size))
	return revlog.Set{Client: "a", Time: time.Unix(1_800_000_000, 0), Changes: []protocol.Change{
		{Type: protocol.Create, Table: "t", Key: protocol.Key(fmt.Sprint(key)), Obj: []byte(obj)}}}
}

// TestGivenUp has the pages of a file become unreadable where bbolt cannot let go of
// its locks any more: the log is given up, and nobody waits.
func TestGivenUp(t *testing.T) {
	rows := map[string]struct {
		before func(*testing.T, *Stepper)
		do     func(*Stepper) error // nil if it returns none
	}{
		"a commit": {do: func(s *Stepper) error { return s.CommitEach(setOf(9, 1))[0] }},
		"a group": {do: func(s *Stepper) error {
			errs := s.CommitEach(setOf(9, 1), setOf(10, 1), setOf(11, 1))
			return cmpErrors(errs)
		}},
		"objects behind the log": {do: func(s *Stepper) error { s.objects.flush(); return nil }},
		"a merge": {
			before: func(t *testing.T, s *Stepper) {
				for i := 0; s.objects.runs.count() < 2; i++ {
					if errs := s.CommitEach(setOf(100+i, 10)); errs[0] != nil {
						t.Fatal(errs)
					}
					for s.objects.flush() {
					}
				}
			},
			do: func(s *Stepper) error { s.objects.merge(); return nil },
		},
		"a reader": {do: func(s *Stepper) error {
			_, err := s.Read(context.Background(), revlog.Query{Reader: "b"})
			return err
		}},
		"a backup": {do: func(s *Stepper) error {
			_, err := s.WriteTo(new(strings.Builder))
			return err
		}},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			var told error
			options := Small(1, 1)
			options.givenUp = func(err error) { told = err }
			s, err := OpenStepper(filepath.Join(t.TempDir(), "lost.db"), options)
			if err != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				if err := s.CommitEach(setOf(i, 10))[0]; err != nil {
					t.Fatal(err)
				}
			}
			if row.before != nil {
				row.before(t, s)
			}
			mustMakeUnreadable(t, s.file.bolt, 0)
			if err := row.do(s); err != nil && !errors.Is(err, revlog.ErrGivenUp) {
				t.Errorf("got error %v, want ErrGivenUp", err)
			}
			wantGivenUp(t, s.DB, s.Close)
			if !errors.Is(told, revlog.ErrGivenUp) || !strings.Contains(told.Error(), "page fault") || strings.Contains(told.Error(), "\n") {
				t.Errorf("the folder is told %v", told)
			}
		})
	}
}

// cmpErrors returns the first error that is not ErrGivenUp, or the first.
func cmpErrors(errs []error) error {
	for _, err := range errs {
		if !errors.Is(err, revlog.ErrGivenUp) {
			return fmt.Errorf("one of a group: %w", errors.Join(err, errors.New("not given up")))
		}
	}
	return errs[0]
}

// wantGivenUp calls all that a log can be called for.
func wantGivenUp(t *testing.T, db *DB, end func() error) {
	t.Helper()
	select {
	case <-db.GivenUp():
	default:
		t.Fatal("the log was not given up")
	}
	ctx := context.Background()
	for name, call := range map[string]func() error{
		"Submit":  func() error { _, err := db.Submit(ctx, setOf(1, 1)); return err },
		"Read":    func() error { _, err := db.Read(ctx, revlog.Query{Reader: "b"}); return err },
		"Wait":    func() error { _, err := db.Wait(ctx, protocol.MaxRevision); return err },
		"Head":    func() error { _, err := db.Head(); return err },
		"Tables":  func() error { _, err := db.Tables(ctx, "a"); return err },
		"Knows":   func() error { _, err := db.Knows(ctx, "a"); return err },
		"Refused": func() error { _, err := db.Refused(); return err },
		"Close":   end,
	} {
		if err := call(); !errors.Is(err, revlog.ErrGivenUp) || !errors.Is(err, revlog.ErrClosed) {
			t.Errorf("%s: got error %v, want ErrGivenUp", name, err)
		}
	}
}

// A log with its commit loop: a lone writer's own commit, and a group that waits.
func TestGivenUpWhileSetsWait(t *testing.T) {
	for _, writers := range []int{1, 8} {
		t.Run(fmt.Sprint(writers, " writers"), func(t *testing.T) {
			db, err := Open(filepath.Join(t.TempDir(), "lost.db"), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := db.Submit(t.Context(), setOf(0, 10)); err != nil {
				t.Fatal(err)
			}
			db.order.lastGroup.Store(int64(writers)) // with several, they go by way of the loop
			mustMakeUnreadable(t, db.file.bolt, 0)
			errs := make(chan error)
			for i := range writers {
				go func() {
					_, err := db.Submit(context.Background(), setOf(1+i, 10))
					errs <- err
				}()
			}
			for range writers {
				if err := <-errs; !errors.Is(err, revlog.ErrGivenUp) {
					t.Errorf("got error %v, want ErrGivenUp", err)
				}
			}
			wantGivenUp(t, db, db.Close)
		})
	}
}

// A reader that cannot begin keeps the lock of the map. A commit that has to make the
// map grow then waits for ever in bbolt: those who wait for it do not.
func TestGivenUpWhileTheMapGrows(t *testing.T) {
	options := Small(1000, 1000)
	options.bounds.mapBytes = 1 // bbolt's least
	db, err := Open(filepath.Join(t.TempDir(), "lost.db"), options)
	if err != nil {
		t.Fatal(err)
	}
	db.order.commitMu.Lock() // in place of a committer
	defer db.order.commitMu.Unlock()
	began, goOn := make(chan struct{}), make(chan struct{})
	go func() {
		_ = db.file.update(func(tx *bbolt.Tx) error {
			err := tx.Bucket(bucketEntries).Put([]byte("large"), make([]byte, 4<<20))
			close(began)
			<-goOn
			return err
		})
	}()
	<-began
	waiting := make(chan error)
	go func() {
		_, err := db.Submit(context.Background(), setOf(1, 10))
		waiting <- err
	}()
	mustMakeUnreadable(t, db.file.bolt, 2) // what a transaction begins with
	if _, err := db.Knows(t.Context(), "b"); !errors.Is(err, revlog.ErrGivenUp) {
		t.Errorf("a reader: got error %v, want ErrGivenUp", err)
	}
	close(goOn)
	if err := <-waiting; !errors.Is(err, revlog.ErrGivenUp) {
		t.Errorf("who waits for the commit: got error %v, want ErrGivenUp", err)
	}
	wantGivenUp(t, db, db.Close)
}

// A committer that never returns leaves nobody without an answer, and one that does
// answers nobody twice.
func TestQueueIsAbandoned(t *testing.T) {
	q := newOrder(&store{file: &file{}})
	taken, waiting := q.newRequest(setOf(1, 1)), q.newRequest(setOf(2, 1))
	q.push(taken)
	group := q.take(time.Now())
	q.push(waiting)
	q.abandon(revlog.ErrGivenUp)
	for _, r := range group {
		r.answer(nil)
	}
	for name, r := range map[string]*request{"taken": taken, "waiting": waiting} {
		select {
		case <-r.done:
			if !errors.Is(r.err, revlog.ErrGivenUp) {
				t.Errorf("%s: got error %v, want ErrGivenUp", name, r.err)
			}
		default:
			t.Errorf("%s has no answer", name)
		}
	}
	if q.push(q.newRequest(setOf(3, 1))) {
		t.Error("a request is taken that nobody will answer")
	}
}

// A file that cannot be read when it is opened need not be broken.
func TestGivenUpWhenOpened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lost.db")
	_, err := Open(path, Options{opened: func(*bbolt.DB) { panic("page cannot be read") }})
	if !errors.Is(err, revlog.ErrGivenUp) || errors.Is(err, ErrBroken) {
		t.Errorf("got error %v, want ErrGivenUp alone", err)
	}
}

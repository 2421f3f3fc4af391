package server

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"syncabled/protocol"
	"syncabled/revlog"
)

// A shelf opens logs that hold nothing, and sees to it that they are used as
// logs are to be.
type shelf struct {
	t      *testing.T
	opened atomic.Int64
	broken atomic.Bool

	mu   sync.Mutex
	open map[string]bool
}

type shelfLog struct {
	revlog.Log
	shelf  *shelf
	name   string
	closed atomic.Bool
	ended  chan struct{} // closed when it is
}

func newShelf(t *testing.T) *shelf { return &shelf{t: t, open: map[string]bool{}} }

var errBroken = errors.New("broken")

func (s *shelf) Open(name string) (revlog.Log, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken.Load() {
		return nil, errBroken
	}
	if s.open[name] {
		s.t.Errorf("%s was opened twice", name)
	}
	s.open[name] = true
	s.opened.Add(1)
	return &shelfLog{shelf: s, name: name, ended: make(chan struct{})}, nil
}

func (s *shelf) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

func (l *shelfLog) Head() (protocol.Revision, error) {
	if l.closed.Load() {
		l.shelf.t.Errorf("%s is in use, but closed", l.name)
	}
	return 0, nil
}

func (l *shelfLog) Wait(ctx context.Context, _ protocol.Revision) (protocol.Revision, error) {
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-l.ended:
		return 0, revlog.ErrClosed
	}
}

func (l *shelfLog) Close() error {
	l.shelf.mu.Lock()
	defer l.shelf.mu.Unlock()
	if l.closed.Swap(true) {
		l.shelf.t.Errorf("%s was closed twice", l.name)
	} else {
		close(l.ended)
	}
	delete(l.shelf.open, l.name)
	return nil
}

func (s *shelf) databases(idle time.Duration) *databases {
	d := newDatabases(&Config{Open: s.Open, IdleTimeout: idle, Logger: zerolog.Nop()})
	s.t.Cleanup(func() {
		if err := d.close(nil); err != nil {
			s.t.Error(err)
		}
	})
	return d
}

func mustAcquire(t *testing.T, d *databases, name string) *database {
	t.Helper()
	db, err := d.acquire(name)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func TestDatabaseIsSharedAndClosedWhenIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t)
		d := s.databases(time.Minute)
		first, second := mustAcquire(t, d, "a"), mustAcquire(t, d, "a")
		mustAcquire(t, d, "b")
		if first != second || s.opened.Load() != 2 {
			t.Errorf("two sessions of a database have two, or %d were opened, not 2", s.opened.Load())
		}
		d.release(first)
		time.Sleep(time.Hour)
		if s.count() != 2 {
			t.Errorf("%d are open while a session of each is left, want 2", s.count())
		}
		d.release(second)
		time.Sleep(time.Minute - 1)
		if s.count() != 2 {
			t.Errorf("%d are open before the idle time is over, want 2", s.count())
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if s.count() != 1 {
			t.Errorf("%d are open after the idle time, want 1", s.count())
		}
	})
}

func TestDatabaseIsIdleFromItsLastSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t)
		d := s.databases(time.Minute)
		for range 5 { // each comes before the idle time is over
			db := mustAcquire(t, d, "a")
			time.Sleep(time.Second)
			d.release(db)
			time.Sleep(40 * time.Second)
		}
		if s.opened.Load() != 1 {
			t.Errorf("opened %d times, want once", s.opened.Load())
		}
		time.Sleep(21 * time.Second)
		if s.count() != 0 {
			t.Error("open after the idle time")
		}
		db := mustAcquire(t, d, "a")
		if db.log == nil || s.opened.Load() != 2 {
			t.Errorf("opened %d times, want again", s.opened.Load())
		}
	})
}

// A session that comes at the very moment at which the idle time ends gets a log
// that is open, and stays so.
func TestDatabaseIsTakenAsItsIdleTimeEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t)
		d := s.databases(time.Minute)
		for range 500 {
			db := mustAcquire(t, d, "a")
			synctest.Wait()
			_, _ = db.log.Head()
			d.release(db)
			time.Sleep(time.Minute)
		}
	})
}

func TestDatabaseThatDoesNotOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t)
		d := s.databases(time.Minute)
		s.broken.Store(true)
		if _, err := d.acquire("a"); !errors.Is(err, errBroken) {
			t.Errorf("acquire: %v, want %v", err, errBroken)
		}
		s.broken.Store(false)
		d.release(mustAcquire(t, d, "a"))
		time.Sleep(time.Hour)
		if s.count() != 0 {
			t.Error("open after the idle time: the session that got none is counted")
		}
	})
}

func TestDatabasesClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t)
		d := s.databases(time.Minute)
		d.release(mustAcquire(t, d, "idle"))
		d.release(mustAcquire(t, d, "gone"))
		time.Sleep(2 * time.Minute)
		d.release(mustAcquire(t, d, "idle"))
		if err := d.close(nil); err != nil || s.count() != 0 {
			t.Errorf("close: %v, %d left open", err, s.count())
		}
		time.Sleep(2 * time.Minute) // nothing is closed twice
	})
}

// Sessions come and go while databases are being closed for being idle.
func TestDatabasesConcurrently(t *testing.T) {
	s := newShelf(t)
	d := s.databases(time.Microsecond)
	names := []string{"a", "b", "c"}
	var sessions sync.WaitGroup
	for range 8 {
		sessions.Go(func() {
			for range 300 {
				db, err := d.acquire(names[rand.IntN(len(names))])
				if err != nil {
					t.Error(err)
					return
				}
				for range 20 {
					_, _ = db.log.Head()
					runtime.Gosched()
				}
				d.release(db)
			}
		})
	}
	sessions.Wait()
	if err := d.close(nil); err != nil || s.count() != 0 {
		t.Errorf("close: %v, %d left open", err, s.count())
	}
	t.Logf("opened %d times", s.opened.Load())
}

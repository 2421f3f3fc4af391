package boltlog

import (
	"cmp"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"syncabled/revlog"
)

// A file is the bbolt file of a log, and knows what becomes of the log when it fails.
//
// bbolt writes the pages of a transaction where the file has free ones, syncs,
// writes one of two meta pages, the one that makes the transaction count, and
// syncs again. If anything fails before the meta page is written, the file is what
// it was, and the log goes on. If it fails after that, the file shows a
// transaction that may not be on the disk, and may never get there: what the system
// could not write it may have dropped. To go on would be to write over pages that
// the transaction on the disk still needs. So the log ends itself. Opening it again
// brings the disk to what the file shows, before anybody sees it.
//
// bbolt reads a file through a memory map, where a page that the disk cannot deliver, or
// that was cut off, is a panic. It rolls back by reading the list of free pages and
// begins by reading a meta page; a panic there leaves it with a lock that nobody
// releases. Whoever calls it then waits for ever, its Close included. So the log
// is given up: from then on nobody calls bbolt or waits for those who did.
type file struct {
	// Static after openFile.
	path    string
	bolt    *bbolt.DB
	options *Options
	ended   chan struct{}   // closed when the log is closed, or has ended itself
	abandon func(err error) // set by newOrder; answers those that wait, when the log is given up

	endOnce sync.Once
	givenUp surrender

	// Owned by the committer.
	fault   error   // why the log ended itself
	records records // of the transaction under way
}

// A surrender says whether, and why, a log was given up.
type surrender struct {
	done chan struct{} // closed when it was
	once sync.Once
	err  error // final when done is closed
}

// cause returns nil unless the log was given up.
func (s *surrender) cause() error {
	select {
	case <-s.done:
		return s.err
	default:
		return nil
	}
}

// view reads with a transaction. That must not stay open for long, because pages
// of the file that become free meanwhile cannot be used again.
func (f *file) view(read func(*bbolt.Tx) error) error {
	if err := f.givenUp.cause(); err != nil {
		return err
	}
	locked, err := transact(f.bolt.View, read)
	if locked {
		return f.giveUp(err)
	}
	return err
}

// update writes with a transaction. After an error, none of it is in the file, or
// the log has ended. Only the committer may call it.
func (f *file) update(write func(*bbolt.Tx) error) error {
	if f.fault != nil {
		return f.fault
	}
	if err := f.givenUp.cause(); err != nil {
		return f.endFor(err)
	}
	defer f.records.reset()
	written := 0
	locked, err := transact(f.bolt.Update, func(tx *bbolt.Tx) error {
		written = tx.ID()
		return write(tx)
	})
	switch {
	case locked:
		return f.endFor(f.giveUp(err))
	case errors.Is(err, errPanic), err != nil && f.mayShow(written):
		f.endFor(err)
	}
	return err
}

// mayShow reports whether the file shows a transaction that failed, or may do so.
func (f *file) mayShow(transaction int) bool {
	shown := 0
	err := f.view(func(tx *bbolt.Tx) error {
		shown = tx.ID()
		return nil
	})
	return err != nil || shown >= transaction
}

// endFor has the log end itself, after an error that it cannot go on after.
func (f *file) endFor(err error) error {
	f.fault = err
	if !errors.Is(err, revlog.ErrGivenUp) {
		f.fault = fmt.Errorf("%w after an error that left it in doubt: %w", revlog.ErrClosed, err)
	}
	f.end()
	return f.fault
}

// end has everybody who uses the log return.
func (f *file) end() {
	f.endOnce.Do(func() { close(f.ended) })
}

func (f *file) hasEnded() bool {
	select {
	case <-f.ended:
		return true
	default:
		return false
	}
}

// whyEnded returns the error of calls to a log that has ended.
func (f *file) whyEnded() error { return cmp.Or(f.givenUp.cause(), revlog.ErrClosed) }

// giveUp gives the log up and returns why. It may be called from any goroutine.
func (f *file) giveUp(err error) error {
	f.givenUp.once.Do(func() {
		f.givenUp.err = f.options.giveUp(err)
		close(f.givenUp.done)
		f.abandon(f.givenUp.err)
		f.end()
	})
	return f.givenUp.err
}

// giveUp tells the folder that a file stays open and locked, and returns why. What the
// folder is told has no stack: it is shown to people.
func (o *Options) giveUp(err error) error {
	if o.givenUp != nil {
		what, _, _ := strings.Cut(err.Error(), "\n")
		o.givenUp(fmt.Errorf("%w: %s", revlog.ErrGivenUp, what))
	}
	return fmt.Errorf("%w: %w", revlog.ErrGivenUp, err)
}

// close closes the file, unless the log was given up: then bbolt would not return.
func (f *file) close() error {
	if f.givenUp.cause() != nil {
		return nil
	}
	return f.bolt.Close()
}

// transact runs a transaction of View or Update. It reports whether bbolt is left with
// a lock that nobody releases, after a panic when it began or rolled back.
func transact(run func(func(*bbolt.Tx) error) error, do func(*bbolt.Tx) error) (locked bool, err error) {
	var tx *bbolt.Tx
	err = guard(func() error {
		return explain(run(func(t *bbolt.Tx) error {
			tx = t
			return do(t)
		}))
	})
	return errors.Is(err, errPanic) && (tx == nil || tx.DB() != nil), err
}

var errPanic = errors.New("panic")

// guard calls do, and returns an error where it panics: on a page that is
// damaged, or cannot be read, or for a mistake in the program. One database need
// not bring down the others.
func guard(do func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: %s\n%s", errPanic, describe(v), debug.Stack())
		}
	}()
	return do()
}

// describe returns what a panic is about.
func describe(v any) string {
	if fault, ok := v.(interface{ Addr() uintptr }); ok {
		return fmt.Sprintf("page fault at %#x: the disk cannot deliver a part of the file, or the file was cut off", fault.Addr())
	}
	return fmt.Sprint(v)
}

// explain says what an error of bbolt means.
func explain(err error) error {
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return ErrLocked
	case errors.Is(err, berrors.ErrDatabaseNotOpen):
		return revlog.ErrClosed
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return fmt.Errorf("%w: it is no bbolt file (%w)", ErrFormat, err)
	case err != nil && strings.Contains(err.Error(), "file size too small"):
		return fmt.Errorf("%w: it is cut off (%w)", ErrFormat, err)
	}
	for _, full := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		// Some errors bbolt passes on as text.
		if errors.Is(err, full) || err != nil && strings.Contains(err.Error(), full.Error()) {
			return fmt.Errorf("%w: %w", revlog.ErrFull, err)
		}
	}
	return err
}

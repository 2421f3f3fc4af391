package revlog

import (
	"fmt"
	"strings"
	"sync"
)

// bbolt reads a file through a map, where a page that the disk cannot deliver, or
// that was cut off, is a panic. It rolls back by reading the list of free pages and
// begins by reading a meta page; a panic there leaves it with a lock that nobody
// releases. Whoever calls it then waits for ever, its Close included. So the log
// is given up: from then on nobody calls bbolt or waits for who did.

// ErrGivenUp is wrapped by the errors of calls to a log whose file could not be read
// in the middle of a transaction. Calls that were under way return it, too. The file
// stays locked until the process ends: only a restart opens it again. It wraps
// [ErrClosed].
var ErrGivenUp = fmt.Errorf("%w until the server is restarted: its file could not be read", ErrClosed)

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

// giveUp gives the log up and returns why. It may be called from any goroutine.
func (db *DB) giveUp(err error) error {
	db.givenUp.once.Do(func() {
		db.givenUp.err = db.options.giveUp(err)
		close(db.givenUp.done)
		db.queue.abandon(db.givenUp.err)
		db.end()
	})
	return db.givenUp.err
}

// giveUp tells the folder that a file stays open and locked, and returns why. What the
// folder is told has no stack: it is shown to people.
func (o *Options) giveUp(err error) error {
	if o.givenUp != nil {
		what, _, _ := strings.Cut(err.Error(), "\n")
		o.givenUp(fmt.Errorf("%w: %s", ErrGivenUp, what))
	}
	return fmt.Errorf("%w: %w", ErrGivenUp, err)
}

// GivenUp returns a channel that is closed when the log is given up. [DB.Close] then
// returns the reason.
func (db *DB) GivenUp() <-chan struct{} { return db.givenUp.done }

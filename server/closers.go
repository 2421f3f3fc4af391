package server

import (
	"errors"
	"slices"
	"sync"
	"time"
)

// closersAtATime is how many databases are closed at once: each may keep a thread
// waiting for the disk.
const closersAtATime = 64

// close closes all databases for good, as far as that goes until over. Sessions that
// are left may still use a log, and learn that it is closed. The error is joined with
// an *AbandonedError if some could not be closed in time.
func (d *databases) close(over <-chan time.Time) error {
	d.mu.Lock()
	d.ending = true
	d.mu.Unlock()
	c := closers{left: map[string]struct{}{}, done: make(chan struct{})}
	all := d.listed()
	for _, db := range all {
		c.left[db.name] = struct{}{}
	}
	go c.run(all)
	select {
	case <-c.done:
	case <-over:
	}
	return c.result()
}

// closers close databases, some at a time.
type closers struct {
	done chan struct{} // closed when all are

	// Guarded by mu.
	mu   sync.Mutex
	left map[string]struct{} // those that are not closed
	errs []error
}

func (c *closers) run(all []*database) {
	defer close(c.done)
	var closing sync.WaitGroup
	slots := make(chan struct{}, closersAtATime)
	for _, db := range all {
		slots <- struct{}{}
		closing.Go(func() {
			defer func() { <-slots }()
			c.note(db, db.end())
		})
	}
	closing.Wait()
}

func (c *closers) note(db *database, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.left, db.name)
	c.errs = append(c.errs, err)
}

func (c *closers) result() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := errors.Join(c.errs...)
	if len(c.left) == 0 {
		return err
	}
	abandoned := &AbandonedError{}
	for name := range c.left {
		abandoned.Databases = append(abandoned.Databases, name)
	}
	slices.Sort(abandoned.Databases)
	return errors.Join(err, abandoned)
}

// end closes the log, if it is open, for good.
func (db *database) end() error {
	if db.lock() != nil {
		return nil // it was given up
	}
	defer db.opening.Unlock()
	if db.log == nil || db.ended {
		return nil
	}
	db.ended = true
	err := db.log.Close()
	db.awaitEnd()
	return err
}

func (d *databases) isEnding() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ending
}

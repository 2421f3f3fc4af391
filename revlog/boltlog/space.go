package boltlog

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"syncabled/revlog"
)

// A space is the room that a data folder has on its disk: what the system says is
// free, and what commits have met. Only they notice a quota.
type space struct {
	path    string
	minFree int64 // bytes that have to be free

	mu   sync.Mutex
	full time.Time // when a commit met a disk that is full, though enough was free; zero if one succeeded since
}

// fullDelay is how long a commit that failed counts. After that it takes another
// one to know.
const fullDelay = 30 * time.Second

// note takes over what a commit met.
func (s *space) note(c revlog.Commit) {
	switch {
	case c.Err == nil:
		s.setFull(time.Time{})
	case errors.Is(c.Err, revlog.ErrFull) && s.checkFree() == nil:
		s.setFull(time.Now())
	}
}

func (s *space) setFull(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.full = at
}

func (s *space) check() error {
	if err := s.checkFree(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if ago := time.Since(s.full); !s.full.IsZero() && ago < fullDelay {
		return fmt.Errorf("%w: a commit failed %v ago, though there is room; look for a quota", revlog.ErrFull, ago.Round(time.Second))
	}
	return nil
}

// checkFree says whether enough is free. If the system does not say, it is.
func (s *space) checkFree() error {
	free, err := freeSpace(s.path)
	if err == nil && free < s.minFree {
		return fmt.Errorf("%w: %d MiB are free, %d MiB should be", revlog.ErrFull, free>>20, s.minFree>>20)
	}
	return nil
}

// CheckSpace says why commits to the databases of the folder are going to fail, or
// just did, for lack of room. The error wraps [revlog.ErrFull].
func (d *Dir) CheckSpace() error { return d.space.check() }

// FreeSpace returns how many bytes are free on the disk that the folder is on.
func (d *Dir) FreeSpace() (int64, error) { return freeSpace(d.path) }

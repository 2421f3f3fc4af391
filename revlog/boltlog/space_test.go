package boltlog

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"syncabled/revlog"
)

// What commits meet counts for a while, where the system says that there is room.
func TestSpaceByCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &space{path: t.TempDir(), minFree: 1}
		full := revlog.Commit{Err: fmt.Errorf("commit: %w", revlog.ErrFull)}
		s.note(full)
		if err := s.check(); !errors.Is(err, revlog.ErrFull) {
			t.Errorf("after a commit that met a full disk: %v", err)
		}
		s.note(revlog.Commit{Err: errors.New("another")})
		if err := s.check(); !errors.Is(err, revlog.ErrFull) {
			t.Errorf("after a commit that failed for another reason: %v", err)
		}
		s.note(revlog.Commit{})
		if err := s.check(); err != nil {
			t.Errorf("after a commit that succeeded: %v", err)
		}
		s.note(full)
		time.Sleep(fullDelay)
		if err := s.check(); err != nil {
			t.Errorf("a long time after a commit that failed: %v", err)
		}
	})
}

// Where the system says that there is none, commits need not fail first, and it
// is over when there is room.
func TestSpaceByWhatIsFree(t *testing.T) {
	s := &space{path: t.TempDir(), minFree: math.MaxInt64}
	s.note(revlog.Commit{Err: revlog.ErrFull})
	if err := s.check(); !errors.Is(err, revlog.ErrFull) {
		t.Errorf("less is free than should be: %v", err)
	}
	s.minFree = 1
	if err := s.check(); err != nil {
		t.Errorf("enough is free: %v", err)
	}
}

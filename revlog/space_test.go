package revlog

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"
)

// What commits meet counts for a while, where the system says that there is room.
func TestSpaceByCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &space{path: t.TempDir(), least: 1}
		full := Commit{Err: fmt.Errorf("commit: %w", ErrFull)}
		s.note(full)
		if err := s.check(); !errors.Is(err, ErrFull) {
			t.Errorf("after a commit that met a full disk: %v", err)
		}
		s.note(Commit{Err: errors.New("another")})
		if err := s.check(); !errors.Is(err, ErrFull) {
			t.Errorf("after a commit that failed for another reason: %v", err)
		}
		s.note(Commit{})
		if err := s.check(); err != nil {
			t.Errorf("after a commit that succeeded: %v", err)
		}
		s.note(full)
		time.Sleep(fullTime)
		if err := s.check(); err != nil {
			t.Errorf("a long time after a commit that failed: %v", err)
		}
	})
}

// Where the system says that there is none, commits need not fail first, and it
// is over when there is room.
func TestSpaceByWhatIsFree(t *testing.T) {
	s := &space{path: t.TempDir(), least: math.MaxInt64}
	s.note(Commit{Err: ErrFull})
	if err := s.check(); !errors.Is(err, ErrFull) {
		t.Errorf("less is free than should be: %v", err)
	}
	s.least = 1
	if err := s.check(); err != nil {
		t.Errorf("enough is free: %v", err)
	}
}

package server

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// Many clients that are sent something do not take up memory without bound, and those
// of long ago make room.
func TestStuckLogIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newStuckLog()
		watch := func(from, to int) int {
			for i := range to - from {
				l.sent(clientName{"notes", fmt.Sprint(from + i)}, 1)
			}
			return len(l.clients)
		}
		if n := watch(0, mostWatched+5000); n != mostWatched {
			t.Errorf("%d clients are watched, want %d", n, mostWatched)
		}
		time.Sleep(stuckTime + time.Second)
		if n := watch(mostWatched+5000, mostWatched+5100); n != 100 {
			t.Errorf("%d clients are watched, want those of late", n)
		}
	})
}

package server

import (
	"runtime"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"
)

// TestGarbageOfManyConnectionsIsCollected: nothing else makes garbage here, and so
// nothing else collects it.
func TestGarbageOfManyConnectionsIsCollected(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	synctest.Test(t, func(t *testing.T) {
		tidy := newTidy()
		go tidy.run(t.Context())
		forced := func(connections int) uint32 {
			before := collections()
			for range connections {
				tidy.note()
			}
			time.Sleep(2 * tidyDelay)
			return collections() - before
		}
		if n := forced(manyConnections - 1); n != 0 {
			t.Errorf("few connections: %d collections", n)
		}
		if n := forced(1); n != 1 {
			t.Errorf("one more: %d collections, want 1", n)
		}
		if n := forced(5 * manyConnections); n != 1 {
			t.Errorf("many at once: %d collections, want 1", n)
		}
	})
}

func collections() uint32 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.NumForcedGC
}

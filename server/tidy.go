package server

import (
	"context"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// A tidy gives memory back to the system when many connections have come or gone. A
// handshake leaves as much garbage as a connection at rest takes, and where nothing
// else happens the runtime lets it lie for minutes.
type tidy struct {
	turnover atomic.Int64 // connections that came or went
	due      reminder
}

const (
	manyConnections = 2000
	tidyDelay       = 2 * time.Second // there may be more to come
)

func newTidy() *tidy { return &tidy{due: newReminder()} }

// note notes that a connection has come or gone.
func (t *tidy) note() {
	if t.turnover.Add(1)%manyConnections != 0 {
		return
	}
	t.due.ask()
}

func (t *tidy) run(ctx context.Context) { t.due.run(ctx, tidyDelay, debug.FreeOSMemory) }

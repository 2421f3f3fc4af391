package server

import (
	"context"
	"time"
)

// A reminder has something done a while after somebody asked for it, once for all who
// asked meanwhile.
type reminder chan struct{}

func newReminder() reminder { return make(reminder, 1) }

func (r reminder) ask() {
	select {
	case r <- struct{}{}:
	default:
	}
}

// run does it each time, after a delay, until ctx is done.
func (r reminder) run(ctx context.Context, delay time.Duration, do func()) {
	for {
		select {
		case <-r:
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return
		}
		select {
		case <-r: // those who asked meanwhile are among them
		default:
		}
		do()
	}
}

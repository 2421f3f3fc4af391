package server

import (
	"sync"
	"time"
)

// alarms are timers with an owner. The zero value is ready for use.
type alarms struct {
	running sync.WaitGroup

	// Guarded by mu.
	mu    sync.Mutex
	ended bool
	all   []*time.Timer
}

// set returns a timer, with which it calls ring each time it goes off, on a
// goroutine of its own, until the alarms have ended. It is to be set before that.
func (a *alarms) set(after time.Duration, ring func(*time.Timer)) *time.Timer {
	a.mu.Lock()
	defer a.mu.Unlock()
	var timer *time.Timer
	timer = time.AfterFunc(after, func() {
		if a.begin() { // after set has returned
			defer a.running.Done()
			ring(timer)
		}
	})
	a.all = append(a.all, timer)
	return timer
}

// begin lets an alarm ring, unless they have ended.
func (a *alarms) begin() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.ended {
		a.running.Add(1)
	}
	return !a.ended
}

// end stops all alarms and waits for those that ring.
func (a *alarms) end() {
	a.mu.Lock()
	a.ended = true
	a.mu.Unlock()
	a.running.Wait()
	for _, timer := range a.all { // one that rang may have been set again
		timer.Stop()
	}
}

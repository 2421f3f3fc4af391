package server

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestOnceLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOnceLog()
		if !o.allow("a") || o.allow("a") || !o.allow("b") {
			t.Error("want each thing once")
		}
		time.Sleep(24 * time.Hour)
		if o.allow("a") {
			t.Error("logged again after a day")
		}
	})
}

// What is new is logged at a bounded rate, and what was left out for that reason
// is logged when it comes again.
func TestOnceLogRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOnceLog()
		allowed := 0
		for i := range 1000 {
			if o.allow(fmt.Sprint(i)) {
				allowed++
			}
		}
		if allowed != 10 {
			t.Errorf("%d of 1000 at once were logged, want 10", allowed)
		}
		time.Sleep(5 * time.Second)
		for i := range 1000 {
			if o.allow(fmt.Sprint(i)) {
				allowed++
			}
		}
		if allowed != 15 {
			t.Errorf("%d were logged after 5 s, want 15", allowed)
		}
	})
}

func TestOnceLogForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOnceLog()
		for i := range 2 * onceLogSize {
			o.allow(fmt.Sprint(i))
			time.Sleep(time.Second)
			if len(o.seen) > onceLogSize {
				t.Fatalf("remembers %d", len(o.seen))
			}
		}
		if !o.allow("0") {
			t.Error("what was seen long ago, and forgotten, is not logged again")
		}
	})
}

func TestOnceLogConcurrently(t *testing.T) {
	o := newOnceLog()
	var callers sync.WaitGroup
	allowed := make([]int, 8)
	for i := range allowed {
		callers.Go(func() {
			for key := range 5 {
				if o.allow(fmt.Sprint(key)) {
					allowed[i]++
				}
			}
		})
	}
	callers.Wait()
	sum := 0
	for _, n := range allowed {
		sum += n
	}
	if sum != 5 {
		t.Errorf("5 things were logged %d times", sum)
	}
}

package revlog

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A request is a set on its way to disk.
type request struct {
	set      Set
	receipt  Receipt // not to be looked at if err is not nil
	err      error
	done     chan struct{} // has room for one; full when receipt and err are final
	answered atomic.Bool   // somebody answers it, or nobody waits for an answer
}

// answer answers a request, unless somebody else has: the committer does, or who gives
// the log up.
func (r *request) answer(err error) {
	if r.answered.CompareAndSwap(false, true) {
		r.err = err
		r.done <- struct{}{}
	}
}

// A queue gathers requests into groups that are committed together.
type queue struct {
	arrived chan struct{} // has room for one; full when requests wait

	mu      sync.Mutex
	waiting []*request
	taken   []*request // the group that was taken last
	closed  bool

	answered sync.Pool // of requests
}

func newQueue() *queue {
	return &queue{arrived: make(chan struct{}, 1)}
}

// newRequest returns a request, to be recycled when it was answered.
func (q *queue) newRequest(set Set) *request {
	r, ok := q.answered.Get().(*request)
	if !ok {
		r = &request{done: make(chan struct{}, 1)}
	}
	r.set = set
	r.answered.Store(false)
	return r
}

// recycle takes back a request that was answered without an error.
func (q *queue) recycle(r *request) {
	r.set, r.receipt = Set{}, Receipt{}
	q.answered.Put(r)
}

// push reports whether the request will be answered: the queue may be closed.
func (q *queue) push(r *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.waiting = append(q.waiting, r)
	q.wake()
	return true
}

// close refuses further requests.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
}

// abandon refuses further requests, and answers those that wait, or are with a committer
// that may never return.
func (q *queue) abandon(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for _, r := range slices.Concat(q.taken, q.waiting) { // who was answered may be here as well
		r.answer(err)
	}
}

func (q *queue) wake() {
	select {
	case q.arrived <- struct{}{}:
	default:
	}
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// groupChanges bounds how many changes are committed at once, beyond those of
// the first set.
const groupChanges = 20_000

// take returns the waiting requests, or as many as make a group.
func (q *queue) take() []*request {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, changes := 0, 0
	for n < len(q.waiting) && (n == 0 || changes < groupChanges) {
		changes += len(q.waiting[n].set.Changes)
		n++
	}
	group := q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	if len(q.waiting) == 0 {
		q.waiting = nil
	}
	q.taken = group
	return group
}

// changesOf returns how many changes there are in a group.
func changesOf(group []*request) int {
	changes := 0
	for _, r := range group {
		changes += len(r.set.Changes)
	}
	return changes
}

// gatherTime is how long a group may wait to become as large as the one before.
const gatherTime = 60 * time.Microsecond

// gather waits a moment while fewer requests wait than the last group had.
// Writers that wait for their answers before they go on come back together;
// without this pause they fall into two groups that take turns on the disk.
// Timers are too coarse for it.
func (q *queue) gather(last int) {
	start := time.Now()
	for i := 0; i < 1000 && q.len() < last && time.Since(start) < gatherTime; i++ {
		runtime.Gosched()
	}
}

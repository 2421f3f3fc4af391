package boltlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"syncabled/revlog"
)

// An order is the one order of the commands of a log. It forms groups of them, has the
// store apply group after group, and answers the commands of each.
type order struct {
	// Static after newOrder.
	store  *store
	wakeup chan struct{} // has room for one; full when requests wait or objects are due
	idle   *time.Timer   // goes off when the log was quiet for a while
	done   chan struct{} // closed when all is written and the file is closed

	// The committer, the commit loop or a lone writer, holds commitMu and owns these.
	commitMu sync.Mutex
	commands []revlog.Command // of the group at hand
	closeErr error            // final when done is closed

	lastGroup atomic.Int64 // commands in the last group of the loop; 0 after a lone writer

	mu        sync.Mutex
	waiting   []*request // oldest first
	weight    int        // of all that wait
	taken     []*request // the group that was taken last
	tookLarge bool       // that is a request that is too large for a group
	closed    bool

	free sync.Pool // requests
}

func newOrder(s *store) *order {
	o := &order{
		store:  s,
		wakeup: make(chan struct{}, 1),
		idle:   time.NewTimer(idleDelay),
		done:   make(chan struct{}),
	}
	s.file.abandon = o.abandon
	return o
}

// A request is a command on its way to disk.
type request struct {
	command  revlog.Command
	weight   int
	passed   time.Time      // when others were taken before it for the first time
	receipt  revlog.Receipt // not to be looked at if err is not nil
	err      error
	done     chan struct{} // has room for one; full when receipt and err are final
	answered atomic.Bool   // set by whoever answers it first
}

// answer answers a request, unless somebody else has: the committer does, or who gives
// the log up.
func (r *request) answer(err error) {
	if r.answered.CompareAndSwap(false, true) {
		r.err = err
		r.done <- struct{}{}
	}
}

// Submit resolves a command against the log and commits what stands.
func (db *DB) Submit(ctx context.Context, c revlog.Command) (revlog.Receipt, error) {
	if db.file.hasEnded() {
		return revlog.Receipt{}, db.file.whyEnded()
	}
	if set, ok := c.(revlog.Set); ok && set.Partial && !set.ReadOnly {
		release, err := db.reserveHeld(set)
		if err != nil {
			return revlog.Receipt{}, err
		}
		defer release()
	}
	return db.order.submit(ctx, c)
}

// Close commits what waits, writes what is only in memory to the file, if
// that does not take long, and closes it. It returns the error that the log ended
// itself for, if it did.
func (db *DB) Close() error {
	db.file.end()
	select {
	case <-db.order.done:
		return cmp.Or(db.file.givenUp.cause(), db.order.closeErr)
	case <-db.file.givenUp.done:
		return db.file.givenUp.err
	}
}

// submit returns when a command was answered or, while it waits, ctx is done. A lone
// writer commits it itself, whatever becomes of ctx.
func (o *order) submit(ctx context.Context, c revlog.Command) (revlog.Receipt, error) {
	r := o.newRequest(c)
	switch {
	case o.commitAlone(r):
	case !o.push(r):
		return revlog.Receipt{}, o.store.file.whyEnded()
	case ctx.Done() == nil:
		<-r.done // waiting for one channel costs half as much
	default:
		select {
		case <-r.done:
		case <-ctx.Done():
			return revlog.Receipt{}, ctx.Err() // it may still be committed
		}
	}
	if r.err != nil {
		return revlog.Receipt{}, r.err
	}
	receipt := r.receipt
	o.recycle(r)
	return receipt, nil
}

// newRequest returns a request, to be recycled when it was answered.
func (o *order) newRequest(c revlog.Command) *request {
	r, ok := o.free.Get().(*request)
	if !ok {
		r = &request{done: make(chan struct{}, 1)}
	}
	r.command, r.weight, r.passed = c, o.store.weigh(c), time.Time{}
	r.answered.Store(false)
	return r
}

// recycle takes back a request that was answered without an error.
func (o *order) recycle(r *request) {
	r.command, r.receipt = nil, revlog.Receipt{}
	o.free.Put(r)
}

// commitAlone commits a command on the goroutine of its writer, if that seems to be the
// only one: to wake the commit loop, and to be woken by it, takes a tenth of the time
// of a commit. It reports whether it has handled the request. It leaves flushes
// and merges that are due to the loop.
func (o *order) commitAlone(r *request) bool {
	if o.lastGroup.Load() > 1 || !o.commitMu.TryLock() {
		return false
	}
	defer o.commitMu.Unlock()
	if o.len() > 0 { // they came before
		return false
	}
	err := guard(func() error {
		o.commit([]*request{r})
		<-r.done
		return nil
	})
	if err != nil {
		r.err = o.store.file.endFor(err)
		return true
	}
	o.lastGroup.Store(0)
	if o.store.objects.isDue() {
		o.wake()
	}
	o.idle.Reset(idleDelay)
	return true
}

// idleDelay is how long the log has to be quiet before objects that are only in
// memory are written to the file, so that the next start has less to replay.
const idleDelay = time.Second

// run commits whatever waits, group by group, and flushes and merges objects when that
// is due or there is nothing else to do.
func (o *order) run() {
	defer close(o.done)
	defer o.finish()
	for {
		select {
		case <-o.wakeup:
			o.commitGroup()
		case <-o.idle.C:
			o.tidyUp()
		case <-o.store.file.ended:
			return
		}
	}
}

// commitGroup commits a group of what waits, and does what is due after it.
func (o *order) commitGroup() {
	o.commitMu.Lock()
	defer o.commitMu.Unlock()
	o.gather(int(o.lastGroup.Load()))
	group := o.take(time.Now())
	o.commit(group)
	o.lastGroup.Store(int64(len(group)))
	if o.len() > 0 {
		o.wake()
	}
	o.store.objects.doDue()
	o.idle.Reset(idleDelay)
}

// tidyUp writes some of what is only in memory when there is nothing else to do.
func (o *order) tidyUp() {
	o.commitMu.Lock()
	defer o.commitMu.Unlock()
	if o.store.objects.flush() || o.store.objects.merge() {
		o.idle.Reset(0)
	}
}

// finishTimeout is how long a log that is closed goes on writing what is only in memory.
// A server that ends is not waited for any longer than that; the next start replays the
// rest.
const finishTimeout = time.Second

// finish answers what waits, writes what is only in memory to the file, unless
// the log has ended itself or it takes too long, and closes the file.
func (o *order) finish() {
	o.commitMu.Lock() // for good
	o.idle.Stop()
	o.close()
	for o.len() > 0 {
		o.commit(o.take(time.Now()))
	}
	for begun := time.Now(); time.Since(begun) < finishTimeout && o.store.objects.flush(); {
	}
	o.closeErr = errors.Join(o.store.file.fault, o.store.file.close())
}

// commit has the store apply a group, and answers all of it. What takes long is left for
// another transaction. If the group fails, each of its commands is tried alone: one may be
// to blame, and the others need not suffer.
func (o *order) commit(group []*request) {
	if len(group) == 0 {
		return
	}
	o.commands = o.commands[:0]
	for _, r := range group {
		o.commands = append(o.commands, r.command)
	}
	receipts, err := o.store.apply(o.commands)
	clear(o.commands)
	if err != nil && len(group) > 1 && o.store.file.fault == nil {
		for i := range group {
			o.commit(group[i : i+1])
		}
		return
	}
	if err != nil {
		err = fmt.Errorf("commit: %w", err)
	}
	for i, r := range group {
		if err == nil && i == len(receipts) {
			o.commit(group[i:])
			return
		}
		if err == nil {
			r.receipt = receipts[i]
		}
		r.answer(err)
	}
}

// push reports whether the request will be answered: the queue may be closed.
func (o *order) push(r *request) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return false
	}
	o.waiting = append(o.waiting, r)
	o.weight += r.weight
	o.wake()
	return true
}

// close refuses further requests.
func (o *order) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
}

// abandon refuses further requests, and answers those that wait, or are with the commit
// loop, which may never return from bbolt. A lone writer in bbolt may not, either.
func (o *order) abandon(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	for _, r := range slices.Concat(o.taken, o.waiting) { // who was answered may be here as well
		r.answer(err)
	}
}

func (o *order) wake() {
	select {
	case o.wakeup <- struct{}{}:
	default:
	}
}

func (o *order) len() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.waiting)
}

// gatherTimeout is how long a group may wait to become as large as the one before.
const gatherTimeout = 60 * time.Microsecond

// gather waits a moment while fewer requests wait than the last group had.
// Writers that wait for their answers before they go on come back together;
// without this pause they fall into two groups that take turns on the disk.
// Timers are too coarse for it.
func (o *order) gather(last int) {
	start := time.Now()
	for i := 0; i < 1000 && o.len() < last && time.Since(start) < gatherTimeout; i++ {
		runtime.Gosched()
	}
}

package socket

import (
	"net"
	"sync/atomic"
)

// A turn is a lock that may be held for as long as the network takes. Who waits
// for it is, to a fake clock, as idle as who waits for the network.
//
// A channel alone would do, but a publisher takes the turns of thousands of
// connections one after the other, and each would be one more piece of memory to
// fetch.
type turn struct {
	wanted atomic.Int32    // by how many: who has it, and who waits
	passed chan struct{}   // to who waits
	closed <-chan struct{} // with the connection
}

func newTurn(closed <-chan struct{}) turn {
	return turn{passed: make(chan struct{}), closed: closed}
}

// lock waits for the turn, or until the connection is closed.
func (t *turn) lock() error {
	if t.wanted.Add(1) == 1 {
		return nil
	}
	select {
	case <-t.passed:
		return nil
	case <-t.closed:
		return net.ErrClosed
	}
}

func (t *turn) tryLock() bool { return t.wanted.CompareAndSwap(0, 1) }

func (t *turn) unlock() {
	if t.wanted.Add(-1) == 0 {
		return
	}
	select {
	case t.passed <- struct{}{}:
	case <-t.closed: // and who waited is gone
	}
}

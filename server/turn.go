package server

// A turn is a lock that may be held for as long as the network takes. Who waits
// for it is, to a fake clock, as idle as who waits for the network.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

func (t turn) Lock()   { t <- struct{}{} }
func (t turn) Unlock() { <-t }

// TryLock locks if nobody else has.
func (t turn) TryLock() bool {
	select {
	case t <- struct{}{}:
		return true
	default:
		return false
	}
}

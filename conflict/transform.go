package conflict

import "syncabled/protocol"

// Transform returns what is left of a client's change c of an object that others
// have changed with effect e since c's base. It returns false if nothing is left.
func (e Effect) Transform(c protocol.Change) (protocol.Change, bool) {
	switch {
	case e.Spares(c):
		return c, true
	case e.kind != protocol.Update:
		return protocol.Change{}, false
	case c.Type == protocol.Create:
		c.Obj = e.applyUpdates(c.Obj)
		return c, true
	}
	left := updatesOf(c).tree().without(e.updates.tree())
	if left == nil {
		return protocol.Change{}, false
	}
	c.Mods = left.mods()
	return c, true
}

// Spares reports whether it makes no difference to the object which of e and c
// comes first. Transform then returns c as it is.
func (e Effect) Spares(c protocol.Change) bool {
	switch {
	case e.kind == 0:
		return true
	case e.kind != protocol.Update:
		return !ruleYield
	case c.Type != protocol.Update:
		return c.Type == protocol.Delete || !ruleBlend
	}
	return !updatesOf(c).tree().overlaps(e.updates.tree())
}

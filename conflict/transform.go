package conflict

import "syncabled/protocol"

// Transform returns what is left of a client's change c of an object that others
// have changed with effect e since c's base. It returns false if nothing is left.
func (e Effect) Transform(c protocol.Change) (protocol.Change, bool) {
	switch e.kind {
	case 0:
		return c, true
	case protocol.Create, protocol.Delete:
		return protocol.Change{}, false
	}
	switch c.Type {
	case protocol.Create:
		c.Obj = e.applyUpdates(c.Obj)
		return c, true
	case protocol.Delete:
		return c, true
	}
	var mine node
	mine.assignAll(parseMods(c.Mods))
	theirs := e.updates.tree()
	if !mine.overlaps(theirs) {
		return c, true
	}
	left := mine.without(theirs)
	if left == nil {
		return protocol.Change{}, false
	}
	c.Mods = left.mods()
	return c, true
}

package conflict

import "syncabled/protocol"

// Apply returns the object after a change. A nil object does not exist.
func Apply(obj []byte, c protocol.Change) []byte {
	switch {
	case c.Type == protocol.Create:
		return c.Obj
	case c.Type == protocol.Delete, obj == nil:
		return nil
	}
	mods := parseMods(c.Mods)
	if len(mods) == 1 {
		return Set(obj, mods[0].name, mods[0].value)
	}
	var tree node
	tree.assignAll(mods)
	return tree.applyTo(obj)
}

// An Effect is the net result of a run of changes to one object, in order. The
// zero Effect is that of an empty run. Effects are values: they may be copied,
// and composing one does not change it.
type Effect struct {
	kind protocol.ChangeType

	// The object, if kind is Create, before updates are applied to it.
	obj []byte

	// What is updated, if kind is Create or Update. The texts stay as they came
	// in until somebody needs their net result, or so many have piled up that
	// memory asks for it.
	updates updates
}

// updates is a run of the mods of UPDATEs, the last one on top. It is never
// modified.
type updates struct {
	mods   []byte // nil: the run is empty
	before *updates
	size   int // bytes of all mods
	folded int // bytes of all mods when they were folded last
}

// Then returns the effect of e followed by c.
func (e Effect) Then(c protocol.Change) Effect {
	switch {
	case c.Type == protocol.Create:
		return Effect{kind: protocol.Create, obj: c.Obj}
	case c.Type == protocol.Delete:
		return Effect{kind: protocol.Delete}
	case e.kind == protocol.Delete:
		return e
	case e.kind == 0:
		return Effect{kind: protocol.Update, updates: updatesOf(c)}
	}
	e.updates = e.updates.push(c.Mods)
	if u := e.updates; u.size > 2*(u.folded+len(e.obj))+foldFrom {
		return e.fold()
	}
	return e
}

// foldFrom is the number of bytes of updates that are kept in any case.
const foldFrom = 4096

func updatesOf(c protocol.Change) updates {
	return updates{mods: c.Mods, size: len(c.Mods)}
}

func (u updates) push(mods []byte) updates {
	pushed := updates{mods: mods, size: u.size + len(mods), folded: u.folded}
	if u.mods != nil {
		pushed.before = &u
	}
	return pushed
}

// fold returns the effect with its updates as one.
func (e Effect) fold() Effect {
	tree := e.updates.tree()
	if e.kind == protocol.Create {
		return Effect{kind: protocol.Create, obj: tree.applyTo(e.obj)}
	}
	mods := tree.mods()
	return Effect{kind: protocol.Update, updates: updates{mods: mods, size: len(mods), folded: len(mods)}}
}

// tree returns the net result of the run.
func (u updates) tree() *node {
	tree := new(node)
	run := [][]byte{u.mods}
	for before := u.before; before != nil; before = before.before {
		run = append(run, before.mods)
	}
	for i := len(run) - 1; i >= 0; i-- {
		tree.assignAll(parseMods(run[i]))
	}
	return tree
}

// Type returns what the effect is as one change: 0 if it is that of no change.
func (e Effect) Type() protocol.ChangeType { return e.kind }

// Change returns the effect as one change of the object of a key. It returns
// false if the effect is empty.
func (e Effect) Change(table string, key protocol.Key) (protocol.Change, bool) {
	c := protocol.Change{Type: e.kind, Table: table, Key: key}
	switch e.kind {
	case protocol.Create:
		c.Obj = e.applyUpdates(e.obj)
	case protocol.Update:
		c.Mods = e.updates.mods
		if e.updates.before != nil {
			c.Mods = e.updates.tree().mods()
		}
		return c, !isEmptyObject(c.Mods)
	}
	return c, e.kind != 0
}

// applyUpdates returns obj, which exists, after the updates of e.
func (e Effect) applyUpdates(obj []byte) []byte {
	switch {
	case e.updates.mods == nil:
		return obj
	case e.updates.before == nil:
		return Apply(obj, protocol.Change{Type: protocol.Update, Mods: e.updates.mods})
	}
	return e.updates.tree().applyTo(obj)
}

func isEmptyObject(text []byte) bool {
	for range protocol.MemberSpans(text) {
		return false
	}
	return true
}

package server_test

import (
	"fmt"
	"maps"
	"slices"
)

// This file counts what batches take from a user.

// losses are what batches took from a user whose data nobody else may change.
type losses struct {
	properties int // that became others
	specials   int // of these, or below them, that JSON cannot say
	objects    int // that were put or deleted as a whole, though they may be the same again
}

func (l *losses) add(more losses) {
	l.properties += more.properties
	l.specials += more.specials
	l.objects += more.objects
}

func (l losses) String() string {
	return fmt.Sprintf("%d properties overwritten (with %d values that JSON lacks), %d objects replaced", l.properties, l.specials, l.objects)
}

// noteLost counts what a batch has taken from a user whose data nobody else may
// change.
func (c *modelClient) noteLost(was, is map[string]map[string]any) {
	ids := maps.Clone(was)
	maps.Copy(ids, is)
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		before, after := orMissing(was, id), orMissing(is, id)
		if paths := changedPaths(before, after, ""); len(paths) > 0 {
			c.lost.properties += len(paths)
			c.lost.specials += max(0, countSpecials(before)-countSpecials(after))
			c.trace("OVERWRITTEN %s %s: from %s to %s", id, paths, exact(before), exact(after))
		}
	}
}

// observe applies a batch and counts what it takes from the user.
func (c *modelClient) observe(apply func()) {
	was, objects, replaced := c.db.contents(), map[string]map[string]any(nil), c.db.replaced
	if c.soleWriter {
		objects = c.db.snapshot()
	}
	apply()
	c.noteUndone(was, c.db.contents())
	if c.soleWriter {
		c.lost.objects += c.db.replaced - replaced
		c.noteLost(objects, c.db.snapshot())
	}
}

// noteUndone counts edits that are undone: a batch brings an object back to a state
// that its user had changed.
func (c *modelClient) noteUndone(before, after map[string]string) {
	ids := maps.Clone(before)
	maps.Copy(ids, after)
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		was, is := before[id], after[id]
		if is == "" {
			is = "null"
		}
		if was != after[id] && c.left[id][is] {
			c.undone++
			c.left[id] = nil
			c.trace("UNDONE %s: from %s to %s", id, was, is)
		}
	}
}

// changedPaths returns the paths of properties that are not the same in two values,
// of which nil is none.
func changedPaths(was, is any, path string) []string {
	a, isObject := was.(map[string]any)
	b, stays := is.(map[string]any)
	if !isObject || !stays {
		if exact(was) == exact(is) {
			return nil
		}
		return []string{path}
	}
	names := maps.Clone(a)
	maps.Copy(names, b)
	var changed []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		changed = append(changed, changedPaths(orMissing(a, name), orMissing(b, name), path+"."+name)...)
	}
	return changed
}

// missing stands for a property or an object that is not there.
type missing struct{}

func orMissing[T any](values map[string]T, name string) any {
	if value, ok := values[name]; ok {
		return value
	}
	return missing{}
}

// snapshot returns a copy of all objects.
func (d *database) snapshot() map[string]map[string]any {
	copied := map[string]map[string]any{}
	for _, t := range d.tables {
		for key, obj := range t.objects {
			copied[t.name+" "+key] = clone(obj).(map[string]any)
		}
	}
	return copied
}

// grantKinds are the steps in which somebody may do more or less than before.
var grantKinds = []eventKind{stepPermit, stepLogin, stepIntrude}

// isSoleWriter reports whether in all of a schedule nobody but a client may change
// anything, and that one may make any change: the server never needs to change what
// it has.
func (s schedule) isSoleWriter(client int) bool {
	g := s.settings.grants
	if s.settings.deep || s.settings.forbidden || g.late || !g.authorized && s.settings.clients > 1 {
		return false
	}
	for i := range s.settings.clients {
		if g.readers[clientName(i)] == (i == client) {
			return false
		}
	}
	return !slices.ContainsFunc(s.steps, func(step event) bool {
		return slices.Contains(grantKinds, step.kind)
	})
}

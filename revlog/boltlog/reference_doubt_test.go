package boltlog_test

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"syncabled/protocol"
)

// This file is what the reference knows of marks: rules 8, 13 and 14.

// A refDoubt is what of an object is to be marked.
type refDoubt struct {
	object string
	whole  bool
	paths  map[string]any
}

func (d *refDoubt) add(e refEffect) {
	if e.kind != protocol.Update && (e.kind != refRepair || e.mods == nil) {
		d.whole = true
		return
	}
	for path := range e.mods {
		d.addPath(path)
	}
}

func (d *refDoubt) addPath(path string) {
	for other := range d.paths {
		if path == other || under(path, other) {
			return
		}
	}
	maps.DeleteFunc(d.paths, func(other string, _ any) bool { return under(other, path) })
	if d.paths == nil {
		d.paths = map[string]any{}
	}
	d.paths[path] = nil
}

// doubtOf returns what is in doubt after a change of a client with a base.
func (r *reference) doubtOf(client string, change refEffect, base protocol.Revision) refDoubt {
	d := refDoubt{object: change.object}
	d.add(change)
	for _, e := range r.entries[base:] {
		if e.effect.object == change.object && (e.effect.kind != refRepair || e.client == client) {
			d.add(e.effect)
		}
	}
	return d
}

func (r *reference) repair(d refDoubt) {
	i := slices.IndexFunc(r.repairs, func(other refDoubt) bool { return other.object == d.object })
	if i < 0 {
		r.repairs = append(r.repairs, d)
		return
	}
	known := &r.repairs[i]
	known.whole = known.whole || d.whole
	for path := range d.paths {
		known.addPath(path)
	}
}

func (r *reference) mark(client string) {
	for _, d := range r.repairs {
		e := refEffect{object: d.object, kind: refRepair, mods: d.paths}
		if value, _ := r.value(d.object); d.whole || refOutbound(d.object, value) {
			e.mods = nil
		}
		r.entries = append(r.entries, refEntry{client, e})
	}
	r.repairs = nil
}

// present returns what a reader gets of an object that was repaired for it, given what
// others did.
func (r *reference) present(object string, after, to protocol.Revision, reader string, others refEffect) refEffect {
	d := refDoubt{object: object}
	for _, e := range slices.Backward(r.entries[after:to]) {
		if e.effect.object != object {
			continue
		}
		if e.effect.kind == refRepair && e.client == reader {
			d.add(e.effect)
		}
		if e.effect.kind != refRepair && e.effect.kind != protocol.Update && e.client != reader {
			break
		}
	}
	if others.kind != 0 {
		d.add(others)
	}
	value, exists := r.valueAt(object, to)
	if !exists {
		return refEffect{object: object, kind: protocol.Delete}
	}
	if mods, ok := modsOf(d.paths, value); ok && !d.whole {
		return refEffect{object: object, kind: protocol.Update, mods: mods}
	}
	return refEffect{object: object, kind: protocol.Create, value: value}
}

// modsOf returns what a value has at paths, or at what is nearest above them.
func modsOf(paths map[string]any, value any) (map[string]any, bool) {
	if _, ok := value.(map[string]any); !ok {
		return nil, false
	}
	found := refDoubt{}
	for path := range paths {
		nearest := ""
		for at := range prefixes(path) {
			if _, ok := lookUp(value, at); !ok {
				break
			}
			nearest = at
		}
		if nearest == "" {
			return nil, false
		}
		found.addPath(nearest)
	}
	for path := range found.paths {
		found.paths[path], _ = lookUp(value, path)
	}
	return found.paths, true
}

// prefixes yields a.b.c as a, a.b and a.b.c.
func prefixes(path string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for i := range len(path) + 1 {
			if (i == len(path) || path[i] == '.') && !yield(path[:i]) {
				return
			}
		}
	}
}

func lookUp(value any, path string) (any, bool) {
	for step := range strings.SplitSeq(path, ".") {
		switch container := value.(type) {
		case map[string]any:
			inner, ok := container[step]
			if !ok {
				return nil, false
			}
			value = inner
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(container) {
				return nil, false
			}
			value = container[i]
		default:
			return nil, false
		}
	}
	return value, true
}

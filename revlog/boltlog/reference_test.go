package boltlog_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/revlogtest/dexie"
)

// A reference is the rules of the log as plainly as they can be written: a list
// of entries, of which everything else is computed anew each time, and decoded
// values in place of JSON.
type reference struct {
	entries []refEntry
	held    map[string][]revlog.Set
	bases   map[string]protocol.Revision // highest of each client
	repairs []refDoubt                   // objects to mark at the end of the set

	// logged says whether the log under test has an entry. It is asked about a
	// change that gives an object its members in another order, which to the
	// reference is no change.
	logged func(protocol.Revision, refEffect) bool
}

type refEntry struct {
	client string
	effect refEffect
}

// refRepair is the kind of the mark of a repair.
const refRepair protocol.ChangeType = 4

// A refEffect is what a change, or a run of changes, does to an object. The zero
// refEffect does nothing.
type refEffect struct {
	object string // table and key
	kind   protocol.ChangeType
	value  any            // of a CREATE
	mods   map[string]any // of an UPDATE; no path is under another; of a repair, nil if it is about the whole object
}

// submit follows rules 1 to 5, 8 and 12 for sets that may be stale or of a base
// that is too old, and 13 for those that are read-only.
func (r *reference) submit(set revlog.Set) revlog.Receipt {
	set.Stale = set.Base < r.bases[set.Client]
	r.bases[set.Client] = max(r.bases[set.Client], set.Base)
	before := len(r.entries)
	if set.Partial && !set.ReadOnly {
		r.hold(set)
		return revlog.Receipt{Head: r.head(), Appended: len(r.entries) - before, Held: true}
	}
	for _, part := range append(r.held[set.Client], set) {
		for _, change := range part.Changes {
			r.resolve(set.Client, part, refChange(change))
		}
	}
	delete(r.held, set.Client)
	r.mark(set.Client)
	return revlog.Receipt{Head: r.head(), Appended: len(r.entries) - before}
}

func (r *reference) hold(set revlog.Set) {
	for _, change := range set.Changes {
		if change := refChange(change); r.doubtful(set, change) {
			r.repair(r.doubtOf(set.Client, change, set.Base))
		}
	}
	set.Sent = 0
	r.held[set.Client] = append(r.held[set.Client], set)
	r.mark(set.Client)
}

// doubtful reports whether others changed what a client changes too, and it may
// have been sent that before.
func (r *reference) doubtful(set revlog.Set, change refEffect) bool {
	sent := r.effect(change.object, set.Base, set.Sent, set.Client)
	if sent.kind == 0 || sent.kind == protocol.Update && change.kind == protocol.Delete {
		return false
	}
	if sent.kind != protocol.Update || change.kind != protocol.Update {
		return true
	}
	for path := range change.mods {
		for other := range sent.mods {
			if path == other || under(path, other) || under(other, path) {
				return true
			}
		}
	}
	return false
}

func (r *reference) head() protocol.Revision { return protocol.Revision(len(r.entries)) }

func (r *reference) resolve(client string, part revlog.Set, change refEffect) {
	if part.ReadOnly && r.repaired(change.object, max(part.Base, part.Sent), r.head(), client) {
		return
	}
	if r.repaired(change.object, part.Base, r.head(), client) || r.doubtful(part, change) {
		d := r.doubtOf(client, change, part.Base)
		d.whole = d.whole || part.ReadOnly
		r.repair(d)
	}
	others := r.effect(change.object, part.Base, r.head(), client)
	if part.Stale && (part.ReadOnly || others.kind != 0) { // its base is below an earlier one
		r.repair(refDoubt{object: change.object, whole: true})
	}
	change, stands := others.transform(change)
	if !stands {
		return
	}
	value, exists := r.value(change.object)
	newValue, stillExists := change.apply(value, exists)
	same := stillExists == exists && reflect.DeepEqual(value, newValue)
	if part.ReadOnly {
		if !same || exists && r.marked(change.object) {
			r.repair(refDoubt{object: change.object, whole: true})
		}
		return
	}
	if change.kind == protocol.Update && refOutbound(change.object, newValue) {
		change = refEffect{object: change.object, kind: protocol.Create, value: newValue}
	}
	if !same || exists && r.logged(r.head()+1, change) {
		r.entries = append(r.entries, refEntry{client, change})
	}
}

// marked reports whether the log under test has an object marked next, at the end of
// the set, to which no more changes are added.
func (r *reference) marked(object string) bool {
	next := r.head() + 1 + protocol.Revision(len(r.repairs))
	return r.logged(next, refEffect{object: object, kind: refRepair})
}

// repaired reports whether an object was repaired for a client in (after, to],
// and no other client has replaced it since.
func (r *reference) repaired(object string, after, to protocol.Revision, client string) bool {
	for _, e := range slices.Backward(r.entries[after:to]) {
		switch {
		case e.effect.object != object:
		case e.effect.kind == refRepair && e.client == client:
			return true
		case e.effect.kind != refRepair && e.effect.kind != protocol.Update && e.client != client:
			return false
		}
	}
	return false
}

// value returns an object, if it exists.
func (r *reference) value(object string) (value any, exists bool) {
	return r.valueAt(object, r.head())
}

func (r *reference) valueAt(object string, at protocol.Revision) (value any, exists bool) {
	for _, e := range r.entries[:at] {
		if e.effect.object == object && e.effect.kind != refRepair {
			value, exists = e.effect.apply(value, exists)
		}
	}
	return value, exists
}

// apply returns an object after a change.
func (e refEffect) apply(value any, exists bool) (any, bool) {
	switch {
	case e.kind == protocol.Create:
		return e.value, true
	case e.kind == protocol.Delete, !exists:
		return nil, false
	}
	for path, to := range e.mods {
		value = dexie.SetByKeyPath(value, path, to)
	}
	return value, true
}

// effect returns what the entries of an object in (after, to] amount to, those
// of one client left out.
func (r *reference) effect(object string, after, to protocol.Revision, except string) refEffect {
	var net refEffect
	for i, e := range r.entries {
		if rev := protocol.Revision(i + 1); rev > after && rev <= to && e.effect.object == object && e.client != except && e.effect.kind != refRepair {
			net = net.then(e.effect)
		}
	}
	return net
}

// read follows rules 6 and 8.
func (r *reference) read(reader string, after, to protocol.Revision) []refEffect {
	var changes []refEffect
	for _, object := range r.objects() {
		net := r.effect(object, after, to, reader)
		if r.repaired(object, after, to, reader) {
			net = r.present(object, after, to, reader, net)
		}
		if net.kind != 0 {
			changes = append(changes, net)
		}
	}
	return changes
}

func (r *reference) objects() []string {
	var names []string
	for _, e := range r.entries {
		names = append(names, e.effect.object)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// history returns what all entries do.
func (r *reference) history() []refEffect {
	var changes []refEffect
	for _, e := range r.entries {
		changes = append(changes, e.effect)
	}
	return changes
}

// values returns all objects with their values.
func (r *reference) values() []string {
	values := []string{}
	for _, object := range r.objects() {
		if value, exists := r.value(object); exists {
			values = append(values, fmt.Sprintf("%s %s", object, dexie.Encode(value)))
		}
	}
	return values
}

func (e refEffect) then(c refEffect) refEffect {
	switch {
	case c.kind != protocol.Update:
		return c
	case e.kind == 0:
		return c
	case e.kind == protocol.Delete:
		return e
	case e.kind == protocol.Create:
		e.value, _ = c.apply(e.value, true)
		return e
	}
	e.mods = maps.Clone(e.mods)
	for path, value := range c.mods {
		e.assign(path, value)
	}
	return e
}

// assign adds an assignment to the mods of an UPDATE.
func (e refEffect) assign(path string, value any) {
	for other := range e.mods {
		if under(path, other) {
			e.mods[other] = setInside(e.mods[other], path[len(other)+1:], value)
			return
		}
	}
	maps.DeleteFunc(e.mods, func(other string, _ any) bool { return under(other, path) })
	e.mods[path] = value
}

// setInside sets a path inside of a value that stands at a path itself, so that
// it becomes an object where a key path makes one.
func setInside(value any, path string, to any) any {
	around := dexie.SetByKeyPath(map[string]any{"v": value}, "v."+path, to)
	return around.(map[string]any)["v"]
}

func under(path, parent string) bool { return strings.HasPrefix(path, parent+".") }

// transform follows rule 3: e is what others did.
func (e refEffect) transform(c refEffect) (refEffect, bool) {
	switch {
	case e.kind == 0:
		return c, true
	case e.kind != protocol.Update:
		return refEffect{}, false
	case c.kind == protocol.Delete:
		return c, true
	case c.kind == protocol.Create:
		return c.then(e), true
	}
	left := map[string]any{}
	for path, value := range c.mods {
		lost := false
		for other, theirs := range e.mods {
			switch {
			case other == path || under(path, other):
				lost = true
			case under(other, path):
				value = setInside(value, other[len(path)+1:], theirs)
			}
		}
		if !lost {
			left[path] = value
		}
	}
	c.mods = left
	return c, len(left) > 0
}

// refChange decodes a change.
func refChange(c protocol.Change) refEffect {
	e := refEffect{object: c.Table + " " + string(c.Key), kind: c.Type}
	switch c.Type {
	case protocol.Create:
		e.value = dexie.Decode(c.Obj)
	case protocol.Update, refRepair:
		if e.kind == refRepair && c.Mods == nil {
			break
		}
		e.mods = map[string]any{}
		for path, value := range protocol.Members(c.Mods) {
			e.assign(path, dexie.Decode(value))
		}
	}
	return e
}

// refOutbound says whether a table seems to have outbound keys, given an object.
func refOutbound(object string, value any) bool {
	_, key, _ := strings.Cut(object, " ")
	members, ok := value.(map[string]any)
	if !ok {
		return true
	}
	for _, member := range members {
		if reflect.DeepEqual(member, dexie.Decode([]byte(key))) {
			return false
		}
	}
	return strings.Trim(key, "0123456789") != ""
}

// describe writes effects so that they can be compared.
func describe(effects []refEffect) []string {
	lines := make([]string, 0, len(effects))
	for _, e := range effects {
		var text any = e.value
		if e.kind == protocol.Update {
			text = e.mods
		}
		lines = append(lines, fmt.Sprintf("%s %s %s", e.object, e.kind, dexie.Encode(text)))
	}
	return lines
}

func describeChanges(changes []protocol.Change) []string {
	var effects []refEffect
	for _, c := range changes {
		effects = append(effects, refChange(c))
	}
	return describe(effects)
}

// sorted is for lists whose order nobody promised.
func sorted(lines []string) []string {
	slices.Sort(lines)
	return lines
}

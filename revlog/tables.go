package revlog

import (
	"encoding/binary"
	"errors"
	"iter"
	"maps"
	"slices"
	"unique"

	"syncabled/protocol"
)

// Tables are those that a client had when it subscribed last. The zero value is all of
// them, from the beginning on: of a client that has never named any. A client that names
// a table later has to be given all objects of it, because it was not sent them; the
// revision up to which that reaches is kept with the table. A client that comes with a
// position before it may not have got them.
//
// Two values are equal if they are ==. Equal ones share their memory, because clients
// have the tables of their app.
type Tables struct{ encoded unique.Handle[string] }

// Equal is ==.
func (t Tables) Equal(other Tables) bool { return t == other }

// A tableState is what is kept with a table, or with all of them.
type tableState struct {
	since protocol.Revision // the client was given the table up to here, 0 from the beginning on
	named protocol.Revision // the head before the client, which has had the table ever since, changed anything of it
}

const (
	allTables   = 0
	namedTables = 1
)

var errTables = errors.New("list of tables is corrupt")

// ParseTables is the inverse of [Tables.Encoded].
func ParseTables[T string | []byte](encoded T) (Tables, error) {
	if len(encoded) == 0 {
		return Tables{}, nil
	}
	t := Tables{unique.Make(string(encoded))}
	latest, kind, rest := t.header()
	highest, before, ok := latest, "", false
	switch kind {
	case allTables:
		ok = latest > 0 && rest == ""
	case namedTables:
		highest, ok = 0, true
		first := true
		for rest != "" && ok {
			var name string
			var state tableState
			name, state, rest, ok = nextTable(rest)
			ok = ok && (first || name > before)
			highest, before, first = max(highest, state.since), name, false
		}
	}
	if !ok || highest != latest {
		return Tables{}, errTables
	}
	return t, nil
}

// Encoded returns the tables as bytes, none for the zero value:
//
//	latest  uvarint  the highest since
//	kind    1 byte   0 all tables, since latest; 1 those that follow, in the order of their names
//	tables  each: since and named, uvarint; uvarint length of its name, name
func (t Tables) Encoded() string {
	if t == (Tables{}) {
		return ""
	}
	return t.encoded.Value()
}

func (t Tables) header() (latest protocol.Revision, kind byte, rest string) {
	encoded := t.Encoded()
	if encoded == "" {
		return 0, allTables, ""
	}
	number, n := stringUvarint(encoded)
	if n <= 0 || n == len(encoded) {
		return 0, 0xFF, ""
	}
	return protocol.Revision(number), encoded[n], encoded[n+1:]
}

// nextTable takes a table off the front of an encoded list.
func nextTable(list string) (name string, state tableState, rest string, ok bool) {
	var fields [3]uint64
	for i := range fields {
		number, n := stringUvarint(list)
		if n <= 0 {
			return "", state, "", false
		}
		fields[i], list = number, list[n:]
	}
	if fields[2] > uint64(len(list)) {
		return "", state, "", false
	}
	state = tableState{protocol.Revision(fields[0]), protocol.Revision(fields[1])}
	return list[:fields[2]], state, list[fields[2]:], true
}

func stringUvarint(s string) (number uint64, n int) {
	return binary.Uvarint([]byte(s[:min(len(s), binary.MaxVarintLen64)]))
}

// Latest returns the highest revision up to which the client was given a table that it
// named later than others, 0 if there is none.
func (t Tables) Latest() protocol.Revision {
	latest, _, _ := t.header()
	return latest
}

// IsAll reports whether the client named no tables.
func (t Tables) IsAll() bool {
	_, kind, _ := t.header()
	return kind == allTables
}

// all goes through the tables that are named, in order.
func (t Tables) all() iter.Seq2[string, tableState] {
	return func(yield func(string, tableState) bool) {
		_, kind, rest := t.header()
		for kind == namedTables && rest != "" {
			var name string
			var state tableState
			var ok bool
			if name, state, rest, ok = nextTable(rest); !ok || !yield(name, state) {
				return
			}
		}
	}
}

// Names returns the tables that are named, in order; nil if the client named none.
func (t Tables) Names() []string {
	if t.IsAll() {
		return nil
	}
	names := []string{}
	for name := range t.all() {
		names = append(names, name)
	}
	return names
}

// Of returns up to where the client was given a table that it named later than others,
// and the head before it changed anything of it; both are 0 if it has had the table from
// the beginning on. It returns false if the client does not have the table.
func (t Tables) Of(table string) (since, named protocol.Revision, has bool) {
	latest, kind, _ := t.header()
	if kind == allTables {
		return latest, 0, true
	}
	for name, state := range t.all() {
		if name == table {
			return state.since, state.named, true
		}
		if name > table {
			break
		}
	}
	return 0, 0, false
}

// Index returns a function that does what Of does, for many calls.
func (t Tables) Index() func(table string) (since, named protocol.Revision, has bool) {
	if t.IsAll() {
		return t.Of
	}
	states := maps.Collect(t.all())
	return func(table string) (since, named protocol.Revision, has bool) {
		state, has := states[table]
		return state.since, state.named, has
	}
}

// Serves reports whether a client that names tables, in order, or none if names is nil,
// and comes with a position, has been given all of them: Next would change nothing.
func (t Tables) Serves(names []string, position protocol.Revision) bool {
	if t.IsAll() || names == nil {
		return t.IsAll() && names == nil && t.Latest() <= position
	}
	i := 0
	for name := range t.all() {
		if i == len(names) || names[i] != name {
			return false
		}
		i++
	}
	return i == len(names) && (position == 0 || t.Latest() <= position)
}

// Next returns the tables of a client that now names some, in order, or none if names is
// nil, and comes with a position; and those of them that it is to be given anew, up to a
// mark, each with the head before the client changed anything of it, which is arrived
// for one that it had not named. All says that it is to be given all that there is. Who
// comes with position 0 is given that anyway.
func (t Tables) Next(names []string, position, arrived, mark protocol.Revision) (next Tables, anew map[string]protocol.Revision, all bool) {
	latest, _, _ := t.header()
	lacks := func(since protocol.Revision) bool { return position > 0 && since > position }
	if names == nil {
		switch {
		case position == 0:
			return Tables{}, nil, false
		case t.IsAll() && !lacks(latest):
			return t, nil, false
		}
		return encodeTables(nil, tableState{since: mark}), nil, true
	}
	had := maps.Collect(t.all())
	states := make([]tableState, len(names))
	for i, name := range names {
		state, has := had[name]
		if t.IsAll() {
			state, has = tableState{since: latest}, true
		}
		if !has {
			state.named = arrived
		}
		if !has && position > 0 || lacks(state.since) {
			if anew == nil {
				anew = map[string]protocol.Revision{}
			}
			anew[name] = state.named
			state.since = mark
		}
		states[i] = state
	}
	return encodeTables(names, states...), anew, false
}

// encodeTables encodes named tables with their states, or, if names is nil, all of them
// with the one state.
func encodeTables(names []string, states ...tableState) Tables {
	latest, kind := protocol.Revision(0), byte(namedTables)
	for _, state := range states {
		latest = max(latest, state.since)
	}
	if names == nil {
		kind = allTables
	}
	b := append(binary.AppendUvarint(nil, uint64(latest)), kind)
	for i, name := range names {
		b = binary.AppendUvarint(b, uint64(states[i].since))
		b = binary.AppendUvarint(b, uint64(states[i].named))
		b = binary.AppendUvarint(b, uint64(len(name)))
		b = append(b, name...)
	}
	return Tables{unique.Make(string(b))}
}

// SortTables puts names in the order in which they are kept, each once. It keeps nil nil.
func SortTables(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

package conflict

import (
	"cmp"
	"slices"

	"syncabled/protocol"
)

// applyTo returns obj after the assignments below the root of a tree.
func (n *node) applyTo(obj []byte) []byte {
	if isPrimitive(obj) || len(n.kids.list) == 0 {
		return obj
	}
	w := writer{out: make([]byte, 0, len(obj)+len(obj)/8+64)}
	w.container(obj, n)
	return w.out
}

// mods returns the tree as the mods of an UPDATE. No path is under another one.
func (n *node) mods() []byte {
	w := writer{out: []byte{'{'}}
	w.mods(n, nil)
	return append(w.out, '}')
}

func isPrimitive(value []byte) bool { return value[0] != '{' && value[0] != '[' }

// A writer copies values and makes the assignments of a tree on the way.
type writer struct {
	out  []byte
	fill int // elements by which arrays grew
}

// mods writes the members for what is assigned at a path and below.
func (w *writer) mods(n *node, steps []string) {
	if n.value == nil {
		for _, k := range n.kids.list {
			w.mods(k.value, append(steps, k.name))
		}
		return
	}
	if w.out[len(w.out)-1] != '{' {
		w.out = append(w.out, ',')
	}
	w.out = append(protocol.AppendQuote(w.out, joinSteps(steps)), ':')
	w.value(nil, n)
}

// value writes what n makes of the value at its path; old is nil if there is none.
func (w *writer) value(old []byte, n *node) {
	if n.value != nil {
		old = n.value
	}
	switch {
	case len(n.kids.list) == 0:
		w.out = append(w.out, old...)
	case old == nil || isFalsy(old):
		w.object([]byte("{}"), n)
	case isPrimitive(old):
		w.out = append(w.out, old...)
	default:
		w.container(old, n)
	}
}

func (w *writer) container(old []byte, n *node) {
	if old[0] == '{' {
		w.object(old, n)
	} else {
		w.array(old, n)
	}
}

func (w *writer) object(old []byte, n *node) {
	places := make([]protocol.Span, len(n.kids.list)) // of the kids' last members
	end, empty := len("{"), true
	for name, span := range protocol.MemberSpans(old) {
		if i := n.kids.find(string(name)); i >= 0 {
			places[i] = span
		}
		end, empty = span.End, false
	}
	pos := 0
	for _, i := range inTextOrder(places) {
		w.out = append(w.out, old[pos:places[i].Start]...)
		w.value(places[i].Of(old), n.kids.list[i].value)
		pos = places[i].End
	}
	w.out = append(w.out, old[pos:end]...)
	for i, k := range n.kids.list {
		if places[i].End > 0 {
			continue
		}
		if !empty {
			w.out = append(w.out, ',')
		}
		w.out = append(protocol.AppendQuote(w.out, k.name), ':')
		w.value(nil, k.value)
		empty = false
	}
	w.out = append(w.out, old[end:]...)
}

// inTextOrder returns the indexes of the places that were found, in the order of
// the text.
func inTextOrder(places []protocol.Span) []int {
	order := make([]int, 0, len(places))
	for i, place := range places {
		if place.End > 0 {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(places[i].Start, places[j].Start) })
	return order
}

func (w *writer) array(old []byte, n *node) {
	elements := elementsByIndex(n)
	pos, end, length := 0, len("["), 0
	for i, span := range protocol.ElementSpans(old) {
		if len(elements) > 0 && elements[0].index == i {
			w.out = append(w.out, old[pos:span.Start]...)
			w.value(span.Of(old), elements[0].node)
			pos = span.End
			elements = elements[1:]
		}
		end, length = span.End, i+1
	}
	w.out = append(w.out, old[pos:end]...)
	for _, e := range elements {
		if e.index >= MaxGrowth || w.fill+e.index-length >= MaxFill {
			break
		}
		if length > 0 {
			w.out = append(w.out, ',')
		}
		w.out = appendNulls(w.out, e.index-length)
		w.value(nil, e.node)
		w.fill += e.index + 1 - length
		length = e.index + 1
	}
	w.out = append(w.out, old[end:]...)
}

type element struct {
	index int
	node  *node
}

// elementsByIndex returns the kids of n that are elements if n is an array.
func elementsByIndex(n *node) []element {
	var elements []element
	for _, k := range n.kids.list {
		if i, ok := arrayIndex(k.name); ok {
			elements = append(elements, element{i, k.value})
		}
	}
	slices.SortFunc(elements, func(a, b element) int { return cmp.Compare(a.index, b.index) })
	return elements
}

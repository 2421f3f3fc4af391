package conflict

import (
	"bytes"
	"maps"
	"slices"

	"syncabled/protocol"
)

// Paths is a set of key paths. It holds none that is under another one of it: that one
// speaks for both. The zero Paths is empty.
type Paths struct {
	root pathNode
	size int // bytes of the paths that were added, at most
}

// A pathNode is a step of key paths: an end of one, or of some steps.
type pathNode struct {
	isEnd bool
	kids  named[*pathNode]
}

// Add adds the key paths of the mods of an UPDATE. It returns false, and leaves out the
// rest, when all paths together have more bytes than max.
func (p *Paths) Add(mods []byte, max int) bool {
	for path := range protocol.Members(mods) {
		if p.addPath(path); p.size > max {
			return false
		}
	}
	return true
}

func (p *Paths) addPath(path string) {
	if p.root.add(path) {
		p.size += len(path)
	}
}

// add reports whether there was no path that speaks for the new one.
func (n *pathNode) add(path string) bool {
	for steps := (keyPath{rest: path}); !steps.done; {
		if n.isEnd {
			return false
		}
		var step string
		step, steps = steps.next()
		kid := n.kids.get(step)
		if kid == nil {
			kid = new(pathNode)
			n.kids.add(step, kid)
		}
		n = kid
	}
	isNew := !n.isEnd
	*n = pathNode{isEnd: true}
	return isNew
}

// AddDifference adds the top-level members in which two objects differ, byte by byte. It
// returns false if there is no saying it in key paths: one is no object, or a name of a
// member would be another path.
func (p *Paths) AddDifference(a, b []byte) bool {
	if len(a) == 0 || len(b) == 0 || a[0] != '{' || b[0] != '{' {
		return false
	}
	left := map[string][]byte{}
	for name, value := range protocol.Members(a) {
		left[name] = value
	}
	for name, value := range protocol.Members(b) {
		if before, ok := left[name]; ok && bytes.Equal(before, value) {
			delete(left, name)
			continue
		}
		left[name] = value
	}
	for _, name := range slices.Sorted(maps.Keys(left)) {
		if !protocol.IsStep(name) {
			return false
		}
		p.addPath(name)
	}
	return true
}

// IsEmpty reports whether there are no paths.
func (p *Paths) IsEmpty() bool { return len(p.root.kids.list) == 0 }

// AppendMods appends the paths as the mods of an UPDATE that sets each to null.
func (p *Paths) AppendMods(out []byte) []byte {
	w := pathWriter{out: append(out, '{')}
	w.null(&p.root)
	return append(w.out, '}')
}

// Of returns mods that set the paths to what an object has there. Where it has nothing,
// the nearest path above it that exists is set. Of returns false if there is none, or
// the object is none.
func (p *Paths) Of(obj []byte) (mods []byte, ok bool) {
	if len(obj) == 0 || obj[0] != '{' {
		return nil, false
	}
	w := pathWriter{out: []byte{'{'}}
	if !w.container(&p.root, obj) {
		return nil, false
	}
	return append(w.out, '}'), true
}

// A pathWriter writes mods.
type pathWriter struct {
	out   []byte
	steps []string // to the node at hand
}

func (w *pathWriter) null(n *pathNode) {
	if n.isEnd {
		w.mod([]byte("null"))
		return
	}
	for _, k := range n.kids.list {
		w.steps = append(w.steps, k.name)
		w.null(k.value)
		w.steps = w.steps[:len(w.steps)-1]
	}
}

// container writes what a value has at the paths below n. It returns false, and writes
// nothing, if the value lacks one of the next steps.
func (w *pathWriter) container(n *pathNode, value []byte) bool {
	places, ok := n.places(value)
	if !ok {
		return false
	}
	for i, k := range n.kids.list {
		w.steps = append(w.steps, k.name)
		inner := places[i].Of(value)
		if k.value.isEnd || isPrimitive(inner) || !w.container(k.value, inner) {
			w.mod(inner)
		}
		w.steps = w.steps[:len(w.steps)-1]
	}
	return true
}

// places returns where a value has the kids of n, and false if it lacks one.
func (n *pathNode) places(value []byte) ([]protocol.Span, bool) {
	places := make([]protocol.Span, len(n.kids.list))
	if value[0] == '{' {
		for name, span := range protocol.MemberSpans(value) {
			if i := n.kids.find(string(name)); i >= 0 {
				places[i] = span
			}
		}
	} else {
		byIndex := map[int]int{}
		for i, k := range n.kids.list {
			if index, ok := arrayIndex(k.name); ok {
				byIndex[index] = i
			}
		}
		for index, span := range protocol.ElementSpans(value) {
			if i, ok := byIndex[index]; ok {
				places[i] = span
			}
		}
	}
	return places, !slices.Contains(places, protocol.Span{})
}

func (w *pathWriter) mod(value []byte) {
	if w.out[len(w.out)-1] != '{' {
		w.out = append(w.out, ',')
	}
	w.out = append(protocol.AppendQuote(w.out, joinSteps(w.steps)), ':')
	w.out = append(w.out, value...)
}

package conflict

import "slices"

// named is a map from names to values that keeps the order in which the names
// were added first.
type named[V any] struct {
	list  []entry[V]
	index map[string]int // of list; nil while the list is short
}

type entry[V any] struct {
	name  string
	value V
}

// find returns the index of a name in the list, -1 if it is not there.
func (m *named[V]) find(name string) int {
	if m.index == nil {
		return slices.IndexFunc(m.list, func(e entry[V]) bool { return e.name == name })
	}
	if i, ok := m.index[name]; ok {
		return i
	}
	return -1
}

// get returns the value of a name, or the zero value.
func (m *named[V]) get(name string) (value V) {
	if i := m.find(name); i >= 0 {
		value = m.list[i].value
	}
	return value
}

// add adds a name that is not there yet.
func (m *named[V]) add(name string, value V) {
	const short = 12
	m.list = append(m.list, entry[V]{name, value})
	switch {
	case m.index != nil:
		m.index[name] = len(m.list) - 1
	case len(m.list) > short:
		m.index = make(map[string]int, 2*short)
		for i, e := range m.list {
			m.index[e.name] = i
		}
	}
}

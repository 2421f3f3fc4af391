package boltlog

import (
	"github.com/tidwall/btree"

	"syncabled/revlog/fold"
)

// A memtable holds objects in key order.
type memtable struct {
	objects btree.Map[string, fold.Object]
	bytes   int // roughly
}

// objectOverhead is what an object costs in memory beside its key and value.
const objectOverhead = 96

func newMemtable() *memtable { return &memtable{} }

func (m *memtable) put(key string, obj fold.Object) {
	old, replaced := m.objects.Set(key, obj)
	if replaced {
		m.bytes -= len(old.Value)
	} else {
		m.bytes += objectOverhead + len(key)
	}
	m.bytes += len(obj.Value)
}

func (m *memtable) get(key string) (fold.Object, bool) { return m.objects.Get(key) }

func (m *memtable) len() int { return m.objects.Len() }

// A keyed is an object with its key.
type keyed struct {
	key string
	fold.Object
}

// after returns the first objects after a key, at most as many as asked for.
func (m *memtable) after(key string, max int) []keyed {
	found := make([]keyed, 0, min(max, m.len()))
	m.objects.Ascend(key, func(next string, obj fold.Object) bool {
		if next != key {
			found = append(found, keyed{next, obj})
		}
		return len(found) < max
	})
	return found
}

// mergeKeyed returns the first objects of both lists in key order, at most as many as
// asked for. Of an object that both have, the newer one counts.
func mergeKeyed(newer, older []keyed, max int) []keyed {
	merged := make([]keyed, 0, min(max, len(newer)+len(older)))
	for len(merged) < max && len(newer)+len(older) > 0 {
		switch {
		case len(older) == 0 || len(newer) > 0 && newer[0].key < older[0].key:
			merged, newer = append(merged, newer[0]), newer[1:]
		case len(newer) > 0 && newer[0].key == older[0].key:
			older = older[1:]
		default:
			merged, older = append(merged, older[0]), older[1:]
		}
	}
	return merged
}

package conflict

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"syncabled/protocol"
)

// A mod is one assignment of an UPDATE: from key path to value.
type mod = entry[[]byte]

// parseMods returns the assignments of an UPDATE in the order in which
// JavaScript iterates over them: names that are array indexes ascending, then
// the others in the order of the text. A repeated name counts once, at its first
// place, with its last value.
func parseMods(text []byte) []mod {
	var mods named[[]byte]
	for path, value := range protocol.Members(text) {
		if i := mods.find(path); i >= 0 {
			mods.list[i].value = value
			continue
		}
		mods.add(path, value)
	}
	slices.SortStableFunc(mods.list, func(a, b mod) int {
		return cmp.Compare(modOrder(a.name), modOrder(b.name))
	})
	return mods.list
}

func modOrder(name string) int {
	if i, ok := arrayIndex(name); ok {
		return i
	}
	return math.MaxInt
}

// A keyPath is what is left to walk of a key path. It yields the steps that
// protocol.Steps returns.
type keyPath struct {
	rest string
	done bool
}

func (p keyPath) next() (step string, rest keyPath) {
	step, after, dot := strings.Cut(p.rest, ".")
	return step, keyPath{rest: after, done: !dot || after == ""}
}

// joinSteps is the inverse of protocol.Steps.
func joinSteps(steps []string) string {
	path := strings.Join(steps, ".")
	if len(steps) > 1 && steps[len(steps)-1] == "" {
		path += "."
	}
	return path
}

// arrayIndex returns the array index that a name stands for, if it is written
// the way JavaScript writes it.
func arrayIndex(name string) (int, bool) {
	if name == "" || len(name) > len("4294967294") || name[0] == '0' && len(name) > 1 {
		return 0, false
	}
	n := 0
	for _, c := range []byte(name) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, n < math.MaxUint32
}

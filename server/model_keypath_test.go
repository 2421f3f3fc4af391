package server_test

import (
	"slices"
	"strconv"
	"strings"
)

// setByKeyPath is Dexie.setByKeyPath. It returns the value, which a step into an
// array may have made a longer one. What it sets on an array under another name than
// an index, or on a prototype, JSON does not say, so here it is not set at all.
func setByKeyPath(value any, path string, to any) any {
	step, rest, _ := strings.Cut(path, ".")
	isLast := rest == "" // after a dot, too
	switch value := value.(type) {
	case map[string]any:
		if step == prototype {
			return value
		}
		if !isLast {
			to = setBelow(value[step], rest, to)
		}
		value[step] = to
	case []any:
		i, isIndex := arrayIndex(step)
		if !isIndex {
			return value
		}
		if i >= len(value) {
			value = append(value, slices.Repeat([]any{nil}, i+1-len(value))...)
		}
		if !isLast {
			to = setBelow(value[i], rest, to)
		}
		value[i] = to
		return value
	}
	return value
}

// prototype is the name by which objects have their prototype.
const prototype = "__proto__"

func setBelow(inner any, rest string, to any) any {
	if isFalsy(inner) { // or there is none
		inner = map[string]any{}
	}
	return setByKeyPath(inner, rest, to)
}

// arrayIndex returns the index that a name is in an array, and false if it is none.
func arrayIndex(name string) (int, bool) {
	i, err := strconv.Atoi(name)
	return i, err == nil && i >= 0 && strconv.Itoa(i) == name
}

// getByKeyPath is Dexie.getByKeyPath. It returns false for undefined.
func getByKeyPath(value any, path string) (any, bool) {
	for step := range strings.SplitSeq(path, ".") {
		switch container := value.(type) {
		case map[string]any:
			inner, ok := container[step]
			if !ok {
				return nil, false
			}
			value = inner
		case []any:
			i, isIndex := arrayIndex(step)
			if !isIndex || i >= len(container) {
				return nil, false
			}
			value = container[i]
		default:
			return nil, false
		}
	}
	return value, true
}

package dexie

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Decode reads JSON. Numbers keep their literals.
func Decode(text []byte) any {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		panic(err)
	}
	return value
}

// Encode writes JSON with the members of objects sorted.
func Encode(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return text
}

// A Mod is one assignment of an UPDATE.
type Mod struct {
	Path  string
	Value any
}

// SetByKeyPath returns what Dexie.setByKeyPath makes of a value. Values are
// never modified, so that they can be shared.
func SetByKeyPath(value any, path string, to any) any {
	step, rest, nested := strings.Cut(path, ".")
	next := func(inner any) any {
		switch {
		case !nested || rest == "":
			return to
		case isFalsy(inner):
			inner = map[string]any{}
		}
		return SetByKeyPath(inner, rest, to)
	}
	switch container := value.(type) {
	case map[string]any:
		container = maps.Clone(container)
		container[step] = next(container[step])
		return container
	case []any:
		i, err := strconv.Atoi(step)
		if err != nil || i < 0 || strconv.Itoa(i) != step {
			return value
		}
		container = slices.Clone(container)
		for i >= len(container) {
			container = append(container, nil)
		}
		container[i] = next(container[i])
		return container
	}
	return value
}

func isFalsy(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == ""
	case json.Number:
		n, _ := v.Float64()
		return n == 0
	}
	return false
}

// objectDiff is getObjectDiff followed by what Dexie.Observable's updating hook
// makes of it: the assignments that lead from one object to another, with null
// where a property goes away.
func objectDiff(from, to map[string]any, prefix string) []Mod {
	var mods []Mod
	for _, name := range slices.Sorted(maps.Keys(from)) {
		value, exists := to[name]
		if !exists {
			mods = append(mods, Mod{prefix + name, nil})
			continue
		}
		a, aIsObject := from[name].(map[string]any)
		b, bIsObject := value.(map[string]any)
		switch {
		case aIsObject && bIsObject:
			mods = append(mods, objectDiff(a, b, prefix+name+".")...)
		case !bytes.Equal(Encode(from[name]), Encode(value)):
			mods = append(mods, Mod{prefix + name, value})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(to)) {
		if _, exists := from[name]; !exists {
			mods = append(mods, Mod{prefix + name, to[name]})
		}
	}
	return mods
}

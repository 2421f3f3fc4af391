package server_test

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
)

// Values of the model are those of encoding/json: map[string]any, []any,
// string, float64, bool and nil, or special. They are handled the way Dexie does
// it, without any code of the server.

// text returns the JSON of a value; equal values have equal texts.
func text(value any) string {
	b, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// clone is Dexie.deepClone.
func clone(value any) any {
	switch value := value.(type) {
	case map[string]any:
		c := make(map[string]any, len(value))
		for name, v := range value {
			c[name] = clone(v)
		}
		return c
	case []any:
		c := make([]any, len(value))
		for i, v := range value {
			c[i] = clone(v)
		}
		return c
	}
	return value
}

func isFalsy(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case string:
		return value == ""
	case float64:
		return value == 0
	case bool:
		return !value
	}
	return false
}

// A mod is one assignment of an UPDATE.
type mod struct {
	path  string
	value any
}

// mods are the assignments of an UPDATE, in the order of a JavaScript object.
type mods []mod

func (m mods) find(path string) int {
	return slices.IndexFunc(m, func(other mod) bool { return other.path == path })
}

func (m *mods) set(path string, value any) {
	if i := m.find(path); i >= 0 {
		(*m)[i].value = value
		return
	}
	*m = append(*m, mod{path, value})
}

func (m mods) clone() mods {
	c := make(mods, len(m))
	for i, one := range m {
		c[i] = mod{one.path, clone(one.value)}
	}
	return c
}

func (m mods) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, one := range m {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, text(one.path)...), ':'), text(one.value)...)
	}
	return append(b, '}'), nil
}

func (m *mods) UnmarshalJSON(b []byte) error {
	var values map[string]any
	if err := json.Unmarshal(b, &values); err != nil {
		return err
	}
	for path, value := range values {
		*m = append(*m, mod{path, value})
	}
	slices.SortFunc(*m, func(a, b mod) int { return cmp.Compare(a.path, b.path) })
	return nil
}

// compareKeys is the order of keys in IndexedDB, given their JSON: numbers,
// strings, arrays.
func compareKeys(a, b string) int {
	var x, y any
	_ = json.Unmarshal([]byte(a), &x)
	_ = json.Unmarshal([]byte(b), &y)
	return compareKeyValues(x, y)
}

func compareKeyValues(x, y any) int {
	rank := func(key any) int {
		switch key.(type) {
		case float64:
			return 1
		case string:
			return 2
		}
		return 3
	}
	if c := cmp.Compare(rank(x), rank(y)); c != 0 {
		return c
	}
	switch x := x.(type) {
	case float64:
		return cmp.Compare(x, y.(float64))
	case string:
		return cmp.Compare(x, y.(string))
	}
	return slices.CompareFunc(x.([]any), y.([]any), compareKeyValues)
}

// stringForm is what JavaScript makes of a key, given its JSON, where it wants a
// string.
func stringForm(key string) string {
	switch key := parsed(key).(type) {
	case string:
		return key
	case []any:
		var forms []string
		for _, element := range key {
			forms = append(forms, stringForm(text(element)))
		}
		return strings.Join(forms, ",")
	}
	return key
}

func parsed(text string) any {
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		panic(err)
	}
	return value
}

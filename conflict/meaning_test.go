package conflict_test

import (
	"reflect"
	"strconv"

	"github.com/google/go-cmp/cmp"

	"syncabled/protocol"
)

// diffMeaning compares two objects the way JavaScript would after JSON.parse;
// nil is an object that does not exist. It returns "" if they are equal.
func diffMeaning(a, b []byte) string {
	x, y := meaning(a), meaning(b)
	if reflect.DeepEqual(x, y) {
		return "" // cmp would take seconds for the same in a big object
	}
	return cmp.Diff(x, y)
}

type nothing struct{}

// meaning returns the value of JSON text as maps, slices, float64s and so on.
// Unlike encoding/json it keeps lone surrogates apart.
func meaning(text []byte) any {
	if text == nil {
		return nothing{}
	}
	switch text[0] {
	case '{':
		obj := map[string]any{}
		for name, value := range protocol.Members(text) {
			obj[name] = meaning(value)
		}
		return obj
	case '[':
		arr := []any{}
		for _, element := range protocol.Elements(text) {
			arr = append(arr, meaning(element))
		}
		return arr
	case '"':
		return protocol.Unquote(text)
	case 't', 'f':
		return text[0] == 't'
	case 'n':
		return nil
	}
	number, _ := strconv.ParseFloat(string(text), 64)
	return number + 0 // -0 and 0 are one
}

package fold

import (
	"bytes"
	"encoding/json"
	"strings"

	"syncabled/protocol"
)

// needsCreate reports whether an UPDATE is to be logged as the CREATE that it
// amounts to, because clients could not apply it. Everybody's view of the object,
// conflicts included, then stays the same.
func (f *Fold) needsCreate(change protocol.Change, value []byte) (bool, error) {
	if !ruleAsCreate {
		return false, nil
	}
	switch change.Key {
	case `"__proto__"`, `"hasOwnProperty"`: // clients keep what they update in a plain object, by key
		return true, nil
	}
	if isOutbound(change.Key, value) {
		return true, nil
	}
	for _, twin := range twins(change.Key) {
		obj, err := f.object(ObjectKey(change.Table, twin))
		if err != nil || obj.Last != 0 {
			return true, err
		}
	}
	return false, nil
}

// twins returns the keys that a client confuses with key when it updates both in
// one batch, because JavaScript makes the same string of them: 1 and "1", or
// [1,"a"], ["1","a"] and "1,a". Of a string that is the form of an array it
// returns none: it is enough that one of two twins knows of the other.
func twins(key protocol.Key) []protocol.Key {
	if key[0] == '[' {
		return append(arrayTwins(key), protocol.Key(protocol.AppendQuote(nil, stringForm(key))))
	}
	if twin := scalarTwin(key); twin != "" {
		return []protocol.Key{twin}
	}
	return nil
}

// scalarTwin returns the string of a number, or the number of a string, if there
// is one.
func scalarTwin(key protocol.Key) protocol.Key {
	if key[0] != '"' {
		return protocol.Key(protocol.AppendQuote(nil, string(key)))
	}
	text := protocol.Unquote([]byte(key))
	if text == "" || text[0] != '-' && (text[0] < '0' || text[0] > '9') || !json.Valid([]byte(text)) {
		return ""
	}
	twin, err := protocol.ParseKey([]byte(text))
	if err != nil || string(twin) != text {
		return ""
	}
	return twin
}

// maxSwaps bounds the elements of an array that are exchanged for their twins.
const maxSwaps = 4

// arrayTwins returns the arrays that have twins in place of some elements.
func arrayTwins(key protocol.Key) []protocol.Key {
	variants, swaps := []string{""}, 0
	for i, element := range protocol.Elements([]byte(key)) {
		choices := []string{string(element)}
		if twin := scalarTwin(protocol.Key(element)); element[0] != '[' && twin != "" && swaps < maxSwaps {
			choices = append(choices, string(twin))
			swaps++
		}
		variants = combine(variants, choices, i > 0)
	}
	var arrays []protocol.Key
	for _, elements := range variants[1:] { // the first is key itself
		arrays = append(arrays, protocol.Key("["+elements+"]"))
	}
	return arrays
}

// combine returns every text with every choice behind it.
func combine(texts, choices []string, comma bool) []string {
	var all []string
	for _, choice := range choices {
		for _, text := range texts {
			if comma {
				text += ","
			}
			all = append(all, text+choice)
		}
	}
	return all
}

// stringForm is what JavaScript's String makes of a key.
func stringForm(key protocol.Key) string {
	switch key[0] {
	case '"':
		return protocol.Unquote([]byte(key))
	case '[':
		var forms []string
		for _, element := range protocol.Elements([]byte(key)) {
			forms = append(forms, stringForm(protocol.Key(element)))
		}
		return strings.Join(forms, ",")
	}
	return string(key)
}

// isOutbound reports whether an object seems to be of a table with outbound
// keys: its key is no property of it. Clients cannot apply an UPDATE to such an
// object: it makes a second object or aborts the batch.
//
// The key of a table with inbound keys stands in a top-level property of the
// object; that of a compound index has each of its parts in one. An integer key
// that stands nowhere is taken for an auto-incremented one, which clients leave
// out of the objects they create.
func isOutbound(key protocol.Key, value []byte) bool {
	if len(value) == 0 || value[0] != '{' {
		return true
	}
	if isInteger(key) || hasValue(value, key) {
		return false
	}
	if key[0] != '[' {
		return true
	}
	for _, element := range protocol.Elements([]byte(key)) {
		if !hasValue(value, protocol.Key(element)) {
			return true
		}
	}
	return false
}

// hasValue reports whether a top-level property of obj has the value key.
func hasValue(obj []byte, key protocol.Key) bool {
	for _, value := range protocol.Members(obj) {
		if bytes.Equal(value, []byte(key)) {
			return true
		}
		if kind := value[0]; kind == '{' || kind == 't' || kind == 'f' || kind == 'n' {
			continue
		}
		if same, err := protocol.ParseKey(value); err == nil && same == key {
			return true
		}
	}
	return false
}

func isInteger(key protocol.Key) bool {
	for _, c := range []byte(key) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

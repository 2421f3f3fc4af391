package revlog

import (
	"bytes"

	"syncabled/protocol"
)

// isOutbound reports whether an object seems to be of a table with outbound
// keys: its key is no property of it. Clients cannot apply an UPDATE to such an
// object (it makes a second object or aborts the batch), so an UPDATE of one is
// logged as the CREATE that it amounts to, and everybody's view of the object,
// conflicts included, stays the same.
//
// The key of a table with inbound keys stands in a top-level property of the
// object; that of a compound index has each of its parts in one. An integer key
// that stands nowhere is taken for an auto-incremented one, which clients leave
// out of the objects they create.
func isOutbound(key protocol.Key, value []byte) bool {
	if len(value) == 0 || value[0] != '{' {
		return true
	}
	if isInteger(key) || holds(value, key) {
		return false
	}
	if key[0] != '[' {
		return true
	}
	for _, element := range protocol.Elements([]byte(key)) {
		if !holds(value, protocol.Key(element)) {
			return true
		}
	}
	return false
}

// holds reports whether a top-level property of obj has the value key.
func holds(obj []byte, key protocol.Key) bool {
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

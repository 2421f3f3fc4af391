package conflict

import (
	"bytes"
	"strconv"

	"syncabled/protocol"
)

// Set returns obj after Dexie.setByKeyPath(obj, path, value). It returns obj
// itself if the assignment changes nothing.
func Set(obj []byte, path string, value []byte) []byte {
	at := protocol.Span{Start: 0, End: len(obj)}
	steps := keyPath{rest: path}
	for {
		var step string
		step, steps = steps.next()
		slot, ok := findSlot(at.Of(obj), step)
		if !ok {
			return obj
		}
		at = protocol.Span{Start: at.Start + slot.Start, End: at.Start + slot.End}
		if slot.exists && !steps.done && !isFalsy(at.Of(obj)) {
			continue
		}
		if slot.exists && steps.done && bytes.Equal(at.Of(obj), value) {
			return obj
		}
		size := len(obj) + slot.nulls*len("null,") + 2*len(path) + len(`{"":},`) + len(value)
		out := append(make([]byte, 0, size), obj[:at.Start]...)
		out = slot.appendLead(out)
		out = appendNested(out, steps, value)
		return append(out, obj[at.End:]...)
	}
}

// A slot is where a step leads to: the span of a value, or an empty span where
// the value is to be inserted after a lead.
type slot struct {
	protocol.Span
	exists bool

	// The lead of a slot that does not exist.
	comma  bool
	member bool
	name   string // of the member
	nulls  int    // elements up to the new one
}

// findSlot returns the slot of a step in an object or an array, and false if the
// step leads nowhere.
func findSlot(container []byte, step string) (slot, bool) {
	switch container[0] {
	case '{':
		return memberSlot(container, step), true
	case '[':
		return elementSlot(container, step)
	}
	return slot{}, false
}

func memberSlot(obj []byte, name string) slot {
	found := slot{member: true, name: name}
	end := len("{")
	for n, span := range protocol.MemberSpans(obj) {
		if string(n) == name {
			found.Span, found.exists = span, true
		}
		end, found.comma = span.End, true
	}
	if !found.exists {
		found.Span = protocol.Span{Start: end, End: end}
	}
	return found
}

func elementSlot(arr []byte, step string) (slot, bool) {
	index, ok := arrayIndex(step)
	if !ok {
		return slot{}, false
	}
	n, end := 0, len("[")
	for i, span := range protocol.ElementSpans(arr) {
		if i == index {
			return slot{Span: span, exists: true}, true
		}
		n, end = i+1, span.End
	}
	if index >= MaxGrowth {
		return slot{}, false
	}
	return slot{Span: protocol.Span{Start: end, End: end}, comma: n > 0, nulls: index - n}, true
}

func (s slot) appendLead(out []byte) []byte {
	if s.exists {
		return out
	}
	if s.comma {
		out = append(out, ',')
	}
	if s.member {
		return append(protocol.AppendQuote(out, s.name), ':')
	}
	return appendNulls(out, s.nulls)
}

func appendNulls(out []byte, n int) []byte {
	for range n {
		out = append(out, "null,"...)
	}
	return out
}

// appendNested appends value inside of new objects, one for each step.
func appendNested(out []byte, steps keyPath, value []byte) []byte {
	depth := 0
	for ; !steps.done; depth++ {
		var step string
		step, steps = steps.next()
		out = append(protocol.AppendQuote(append(out, '{'), step), ':')
	}
	out = append(out, value...)
	for range depth {
		out = append(out, '}')
	}
	return out
}

// isFalsy reports whether a value is falsy in JavaScript.
func isFalsy(value []byte) bool {
	switch value[0] {
	case 'n', 'f':
		return true
	case '"':
		return len(value) == len(`""`)
	case '-', '0':
		return isZero(value)
	case '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return bytes.ContainsAny(value, "eE") && isZero(value)
	}
	return false
}

// isZero reports whether JavaScript reads a number as zero, be it for underflow.
func isZero(number []byte) bool {
	x, _ := strconv.ParseFloat(string(number), 64)
	return x == 0
}

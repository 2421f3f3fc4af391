package protocol

import (
	"math"
	"strconv"
	"unicode/utf8"
)

// A Key is the primary key of an object: the canonical JSON of a number, a
// string, or an array of keys. Two keys are the same exactly if IndexedDB holds
// them to be the same: 1 and "1" differ, 1 and 1.0 do not. Numbers are written
// as JavaScript writes them.
type Key string

// declareKey is the fix for objects that have no key of their own yet, as those of
// a table with ++id when they are added.
const declareKey = "declare the table's key as $$id, so that every client makes keys of its own"

// maxKeyDepth bounds arrays in arrays, which IndexedDB does not.
const maxKeyDepth = 16

// ParseKey reads a key from JSON. The text has to be valid JSON.
func ParseKey(text []byte) (Key, *Error) {
	if isPlainKey(text) {
		return Key(text), nil
	}
	canonical, err := appendKey(make([]byte, 0, len(text)), text, 0)
	if err != nil {
		return "", err
	}
	return Key(canonical), nil
}

// isPlainKey reports whether text is canonical at first sight: a short
// non-negative integer, or a string of printable ASCII without escapes.
func isPlainKey(text []byte) bool {
	if text[0] != '"' {
		for _, c := range text {
			if c < '0' || c > '9' {
				return false
			}
		}
		return len(text) <= 15
	}
	for _, c := range text[1 : len(text)-1] {
		if c < 0x20 || c > 0x7E || c == '\\' {
			return false
		}
	}
	return true
}

func appendKey(out, text []byte, depth int) ([]byte, *Error) {
	switch text[0] {
	case '"':
		return AppendQuote(out, Unquote(text)), nil
	case '[':
		if depth == maxKeyDepth {
			return nil, refusef("arrays are nested deeper than %d", maxKeyDepth)
		}
		out = append(out, '[')
		for i, element := range Elements(text) {
			if i > 0 {
				out = append(out, ',')
			}
			var err *Error
			if out, err = appendKey(out, element, depth+1); err != nil {
				return nil, err
			}
		}
		return append(out, ']'), nil
	case 'n':
		return nil, refusef("null is no key; %s", declareKey)
	case '{', 't', 'f':
		return nil, refusef("%s is no key; IndexedDB keys that can be synced are numbers, strings and arrays of those", excerpt(text))
	}
	number, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return nil, refusef("%s is out of the range of numbers", excerpt(text))
	}
	return appendNumber(out, number), nil
}

// appendNumber appends x as JavaScript's Number.prototype.toString writes it.
func appendNumber(out []byte, x float64) []byte {
	abs := math.Abs(x)
	switch {
	case x == 0:
		return append(out, '0')
	case abs >= 1e-6 && abs < 1e21:
		return strconv.AppendFloat(out, x, 'f', -1, 64)
	}
	out = strconv.AppendFloat(out, x, 'e', -1, 64)
	// JavaScript writes one-digit exponents with one digit: 1e-7, not 1e-07.
	if n := len(out); n >= 4 && out[n-4] == 'e' && out[n-2] == '0' {
		out[n-2] = out[n-1]
		out = out[:n-1]
	}
	return out
}

// excerpt shortens text for an error message, between two characters.
func excerpt(text []byte) string {
	const most = 60
	if len(text) <= most {
		return string(text)
	}
	end := most
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return string(text[:end]) + "…"
}

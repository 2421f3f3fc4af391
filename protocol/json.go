package protocol

import (
	"iter"
	"unicode/utf16"
	"unicode/utf8"
)

// This file walks JSON text without building values. All of it takes text that
// is known to be valid JSON: a frame that Decode accepted, or a part of one.

// Members ranges over the members of a JSON object in the order of the text,
// repeated names included. Names are decoded to WTF-8; values are subslices of
// obj without the white space around them. It yields nothing if obj is no object.
func Members(obj []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for name, span := range MemberSpans(obj) {
			if !yield(string(name), span.Of(obj)) {
				return
			}
		}
	}
}

// Elements ranges over the elements of a JSON array as subslices of arr without
// the white space around them. It yields nothing if arr is no array.
func Elements(arr []byte) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		for n, span := range ElementSpans(arr) {
			if !yield(n, span.Of(arr)) {
				return
			}
		}
	}
}

// A Span is the place of a value in a text.
type Span struct{ Start, End int }

// Of returns the value that the span of text holds.
func (s Span) Of(text []byte) []byte { return text[s.Start:s.End:s.End] }

// MemberSpans is [Members] with the places of the values. A name shares memory
// with obj unless it has escapes.
func MemberSpans(obj []byte) iter.Seq2[[]byte, Span] {
	return func(yield func([]byte, Span) bool) {
		i := skipSpace(obj, 0)
		if i == len(obj) || obj[i] != '{' {
			return
		}
		for i = skipSpace(obj, i+1); obj[i] != '}'; {
			nameEnd := skipString(obj, i)
			name := unquote(obj[i:nameEnd])
			start := skipSpace(obj, skipSpace(obj, nameEnd)+1)
			end := skipValue(obj, start)
			if !yield(name, Span{start, end}) {
				return
			}
			i = nextItem(obj, end)
		}
	}
}

// ElementSpans is [Elements] with the places of the values.
func ElementSpans(arr []byte) iter.Seq2[int, Span] {
	return func(yield func(int, Span) bool) {
		i := skipSpace(arr, 0)
		if i == len(arr) || arr[i] != '[' {
			return
		}
		i = skipSpace(arr, i+1)
		for n := 0; arr[i] != ']'; n++ {
			end := skipValue(arr, i)
			if !yield(n, Span{i, end}) {
				return
			}
			i = nextItem(arr, end)
		}
	}
}

// nextItem moves from the end of one member or element to the start of the
// next, or to the closing bracket.
func nextItem(b []byte, i int) int {
	i = skipSpace(b, i)
	if b[i] == ',' {
		i = skipSpace(b, i+1)
	}
	return i
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}

// skipString returns the index behind the string that starts at i.
func skipString(b []byte, i int) int {
	for i++; b[i] != '"'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// skipValue returns the index behind the value that starts at i.
func skipValue(b []byte, i int) int {
	for depth := 0; i < len(b); {
		switch b[i] {
		case '"':
			i = skipString(b, i)
		case '{', '[':
			depth++
			i++
			continue
		case '}', ']':
			depth--
			i++
		case ' ', '\t', '\n', '\r', ',', ':':
			i++
			continue
		default:
			i = skipLiteral(b, i)
		}
		if depth == 0 {
			break
		}
	}
	return i
}

// skipLiteral returns the index behind the number or name that starts at i.
func skipLiteral(b []byte, i int) int {
	for i < len(b) {
		switch b[i] {
		case ',', '}', ']', ':', ' ', '\t', '\n', '\r':
			return i
		}
		i++
	}
	return i
}

// nesting returns how deep arrays and objects are nested in a value: 0 for a
// string, number or name, 1 for an array of those.
func nesting(value []byte) int {
	depth, deepest := 0, 0
	for i := 0; i < len(value); {
		switch value[i] {
		case '"':
			i = skipString(value, i)
			continue
		case '{', '[':
			depth++
			deepest = max(deepest, depth)
		case '}', ']':
			depth--
		}
		i++
	}
	return deepest
}

// Unquote decodes a JSON string to WTF-8.
func Unquote(quoted []byte) string { return string(unquote(quoted)) }

// unquote decodes a JSON string. Without escapes it is a subslice.
func unquote(quoted []byte) []byte {
	text := quoted[1 : len(quoted)-1]
	plain := 0
	for plain < len(text) && text[plain] != '\\' {
		plain++
	}
	if plain == len(text) {
		return text
	}
	out := append(make([]byte, 0, len(text)), text[:plain]...)
	for i := plain; i < len(text); {
		if text[i] != '\\' {
			out = append(out, text[i])
			i++
			continue
		}
		if text[i+1] != 'u' {
			out = append(out, unescape(text[i+1]))
			i += 2
			continue
		}
		unit := codeUnit(text[i+2:])
		i += 6
		if utf16.IsSurrogate(unit) && i+6 <= len(text) && text[i] == '\\' && text[i+1] == 'u' {
			if pair := utf16.DecodeRune(unit, codeUnit(text[i+2:])); pair != utf8.RuneError {
				unit = pair
				i += 6
			}
		}
		out = appendWTF8(out, unit)
	}
	return out
}

func unescape(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

// codeUnit reads four hexadecimal digits.
func codeUnit(digits []byte) rune {
	var unit rune
	for _, c := range digits[:4] {
		unit <<= 4
		if c <= '9' {
			unit |= rune(c - '0')
		} else {
			unit |= rune(c|0x20-'a') + 10
		}
	}
	return unit
}

// appendWTF8 is utf8.AppendRune, except that it encodes surrogates too.
func appendWTF8(out []byte, r rune) []byte {
	if utf16.IsSurrogate(r) {
		return append(out, 0xE0|byte(r>>12), 0x80|byte(r>>6)&0x3F, 0x80|byte(r)&0x3F)
	}
	return utf8.AppendRune(out, r)
}

const hexDigits = "0123456789abcdef"

// AppendQuote appends WTF-8 text as a JSON string in the form that
// JavaScript's JSON.stringify gives it.
func AppendQuote(out []byte, text string) []byte {
	out = append(out, '"')
	start := 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '"' || c == '\\':
			out = append(append(out, text[start:i]...), '\\', c)
			start = i + 1
		case c < 0x20:
			out = appendControl(append(out, text[start:i]...), c)
			start = i + 1
		case c == 0xED && i+2 < len(text) && text[i+1] >= 0xA0:
			unit := 0xD000 | uint16(text[i+1]&0x3F)<<6 | uint16(text[i+2]&0x3F)
			out = append(append(out, text[start:i]...), '\\', 'u', 'd',
				hexDigits[unit>>8&0xF], hexDigits[unit>>4&0xF], hexDigits[unit&0xF])
			i += 2
			start = i + 1
		}
	}
	return append(append(out, text[start:]...), '"')
}

func appendControl(out []byte, c byte) []byte {
	switch c {
	case '\b':
		return append(out, `\b`...)
	case '\f':
		return append(out, `\f`...)
	case '\n':
		return append(out, `\n`...)
	case '\r':
		return append(out, `\r`...)
	case '\t':
		return append(out, `\t`...)
	}
	return append(out, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xF])
}

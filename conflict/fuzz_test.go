package conflict_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"syncabled/conflict"
	"syncabled/protocol"
)

// isText reports whether JSON is as package protocol lets it in.
func isText(texts ...[]byte) bool {
	for _, text := range texts {
		if len(text) > 1<<8 || !json.Valid(text) || !utf8.Valid(text) {
			return false
		}
	}
	return true
}

func FuzzSet(f *testing.F) {
	for _, seed := range []struct{ obj, path, value string }{
		{`{"a":{"b":[1,{"c":null}]}}`, "a.b.1.c.d", `"x"`},
		{`{"a":0,"\u0061":false}`, "a..", `{}`},
		{`[[],[ ]]`, "1.3.x", `1.0`},
		{` { "\ud800" : -0 } `, "\xed\xa0\x80.b", `[]`},
		{`{"a":[1]}`, "a.length", `0`},
	} {
		f.Add([]byte(seed.obj), seed.path, []byte(seed.value))
	}
	f.Fuzz(func(t *testing.T, obj []byte, path string, value []byte) {
		if obj = bytes.TrimSpace(obj); !isText(obj, value) || len(path) > 200 || !utf8.ValidString(path) {
			t.Skip()
		}
		value = bytes.TrimSpace(value)
		got := conflict.Set(obj, path, value)
		if !json.Valid(got) {
			t.Fatalf("Set(%s, %q, %s) = %s", obj, path, value, got)
		}
		mods := append(protocol.AppendQuote([]byte("{"), path), ':')
		mods = append(append(mods, value...), `,"length.length.length":1}`...)
		applied := conflict.Apply(obj, protocol.Change{Type: protocol.Update, Mods: mods})
		if diff := diffMeaning(conflict.Set(got, "length.length.length", []byte("1")), applied); diff != "" {
			t.Fatalf("Set, and Apply of %s to %s (-set +apply):\n%s", mods, obj, diff)
		}
	})
}

func FuzzTransform(f *testing.F) {
	for _, seed := range []struct{ obj, other, another, client string }{
		{`{"a":{}}`, `{"a.x":1}`, `{"a.y":{"z":[]}}`, `{"a":{"y":2},"b":3}`},
		{`{"a":[]}`, `{"a.2":1,"a.0":null}`, `{"a.0.x":1}`, `{"a.1":{},"a.1.y":0}`},
		{`null`, `{"":1}`, `{"..":1}`, `{".":2,"1":3,"1.":4}`},
		{`{"a":1e-400}`, `{"a.b.c":"\ud800"}`, `{"\u0061":0}`, `{"a.b":"","a":{},"a.b":5}`},
	} {
		f.Add([]byte(seed.obj), []byte(seed.other), []byte(seed.another), []byte(seed.client))
	}
	f.Fuzz(func(t *testing.T, obj, other, another, client []byte) {
		for _, text := range []*[]byte{&obj, &other, &another, &client} {
			*text = bytes.TrimSpace(*text)
		}
		if !isText(obj, other, another, client) {
			t.Skip()
		}
		var run []protocol.Change
		for _, mods := range [][]byte{other, another, client} {
			if mods[0] != '{' {
				t.Skip()
			}
			run = append(run, protocol.Change{Type: protocol.Update, Mods: mods})
		}
		e := effectOf(run[:2])
		requireSame(t, "run and effect", applyAll(obj, run[:2]), applyEffect(obj, e))
		onServer := applyEffect(obj, e)
		if left, ok := e.Transform(run[2]); ok {
			onServer = conflict.Apply(onServer, left)
		}
		requireSame(t, "client and server", applyEffect(conflict.Apply(obj, run[2]), e), onServer)
	})
}

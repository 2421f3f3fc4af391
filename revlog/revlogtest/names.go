package revlogtest

import (
	"strings"
	"testing"

	"syncabled/protocol"
)

// Tables and keys of all kinds.
var nameTests = []test{
	{"keys of different types are different objects", func(t *testing.T, log *Log) {
		wantApart(t, log, []protocol.Change{
			Create("todos", 1, `{"key":"number"}`),
			Create("todos", "1", `{"key":"string"}`),
			Create("todos", []any{1}, `{"key":"array of number"}`),
			Create("todos", []any{"1"}, `{"key":"array of string"}`),
			Create("todos", "[1]", `{"key":"string like an array"}`),
			Create("todos", []any{}, `{"key":"empty array"}`),
			Create("todos", "", `{"key":"empty string"}`),
			Create("todos", -1.5, `{"key":"fraction"}`),
			Create("todos", []any{"a", []any{"b", 2}}, `{"key":"nested"}`),
		})
	}},

	{"tables may be called anything", func(t *testing.T, log *Log) {
		var objects []protocol.Change
		for _, table := range awkwardNames {
			objects = append(objects, Create(table, 1, `{"id":1}`))
		}
		wantApart(t, log, objects)
	}},

	{"keys may be any strings", func(t *testing.T, log *Log) {
		var objects []protocol.Change
		for _, name := range awkwardNames {
			change := Create("todos", 0, `{}`)
			change.Key = protocol.Key(protocol.AppendQuote(nil, name))
			objects = append(objects, change)
		}
		wantApart(t, log, objects)
	}},

	{"table and key do not run into each other", func(t *testing.T, log *Log) {
		wantApart(t, log, []protocol.Change{
			Create("a", 11, `{"n":1}`),
			Create("a1", 1, `{"n":2}`),
			Create("", 1, `{"n":3}`),
			Create("\x01", 1, `{"n":4}`),
			Create("\x011", 1, `{"n":5}`),
			Create("\x00", 1, `{"n":6}`),
			Create("", 11, `{"n":7}`),
		})
	}},

	{"properties may be called anything", func(t *testing.T, log *Log) {
		a, b := shared(log, `{"id":1}`)
		a.Updates("todos", 1, `{"":1,"é":2,"a:b":3,"toString":4,"\ud800":5,"x..y":6}`)
		WantChanges(t, b.CatchesUp(), Update("todos", 1, `{"":1,"é":2,"a:b":3,"toString":4,"\ud800":5,"x..y":6}`))
		WantChanges(t, log.Objects(), Create("todos", 1, `{"id":1,"":1,"é":2,"a:b":3,"toString":4,"\ud800":5,"x":{"":{"y":6}}}`))
	}},

	{"client identities may be any strings", func(t *testing.T, log *Log) {
		for i, name := range awkwardNames {
			if name == "" {
				continue // says that a client has none
			}
			a := log.Client(name)
			a.Creates("todos", i, `{}`)
			a.Begins(Update("todos", i, `{"x":1}`))
			a.Submits()
			WantChanges(t, log.ReadAll(name, log.Position()-2))
		}
	}},
}

// awkwardNames are names that programs have tripped over.
var awkwardNames = []string{
	"", " ", "a:b", "a", "A", "a.b", "__proto__", "constructor", "prototype", "toString",
	"\x00", "\x00\x00", "\xff", "é", "e\u0301", "💡", `"`, `\`, "/../", "<script>",
	"\xed\xa0\x80", "\xed\xb0\x80", // lone surrogates in WTF-8
	strings.Repeat("long", 64),
}

// wantApart checks that objects are told apart, by several clients, over a
// crash, and from the log as well as from the objects.
func wantApart(t *testing.T, log *Log, objects []protocol.Change) {
	t.Helper()
	log.Client("maker").Creates("first", 0, `{}`)
	log.Client("a").Submits(objects...)
	b := log.Client("b")
	b.CatchesUp()
	for range 2 {
		WantChanges(t, log.ReadAll(stranger, 1), objects...)
		WantChanges(t, log.ReadAll("maker", 0), objects...)
		log.Crashes()
	}
	for n, object := range objects {
		mods := `{"updated":true}`
		if n%2 == 0 {
			b.Submits(protocol.Change{Type: protocol.Delete, Table: object.Table, Key: object.Key})
			continue
		}
		b.Submits(protocol.Change{Type: protocol.Update, Table: object.Table, Key: object.Key, Mods: []byte(mods)})
	}
	var want []protocol.Change
	for n, object := range objects {
		if n%2 != 0 {
			object.Obj = []byte(strings.Replace(strings.Replace(string(object.Obj), "}", `,"updated":true}`, 1), "{,", "{", 1))
			want = append(want, object)
		}
	}
	WantChanges(t, log.Objects(), append(want, Create("first", 0, `{}`))...)
}

package revlogtest

import (
	"testing"

	"syncabled/protocol"
)

// Objects of tables with outbound keys, which clients cannot apply an UPDATE to.
var outboundTests = []test{
	{"an update of an object without its key comes down whole", func(t *testing.T, log *Log) {
		for _, object := range []struct {
			key  any
			obj  string
			mods string
			want string
		}{
			{"k", `{"n":1}`, `{"x.y":1}`, `{"n":1,"x":{"y":1}}`},
			{"k", `{"deep":{"id":"k"}}`, `{"n":1}`, `{"deep":{"id":"k"},"n":1}`},
			{"k", `{"id":"K"}`, `{"n":1}`, `{"id":"K","n":1}`},
			{"1", `{"id":1}`, `{"n":1}`, `{"id":1,"n":1}`},
			{-1, `{}`, `{"n":1}`, `{"n":1}`},
			{1.5, `{}`, `{"n":1}`, `{"n":1}`},
			{[]any{"a", "b"}, `{"x":"a"}`, `{"n":1}`, `{"x":"a","n":1}`},
			{1, `["a"]`, `{"0":"b"}`, `["b"]`},
		} {
			wantDown(t, log, object.key, object.obj, object.mods, Create("table", object.key, object.want))
		}
	}},

	{"an update of an object with its key comes down as it is", func(t *testing.T, log *Log) {
		for _, object := range []struct {
			key any
			obj string
		}{
			{"k", `{"id":"k"}`},
			{"k", `{"x":1,"any name":"\u006b"}`},
			{1, `{"id":1}`},
			{1, `{"no":"key, but it may be auto-incremented"}`},
			{1.5, `{"id":15e-1}`},
			{-1, `{"id":-1}`},
			{[]any{"a", 2}, `{"x":2,"y":"a"}`},
			{[]any{"a", 2}, `{"id":["a",2]}`},
		} {
			wantDown(t, log, object.key, object.obj, `{"n":1}`, Update("table", object.key, `{"n":1}`))
		}
	}},

	{"an update of a primitive changes nothing, and its client gets the primitive again", func(t *testing.T, log *Log) {
		a, b := log.Client("a"), log.Client("b")
		for key, obj := range []string{`5`, `"text"`, `null`, `false`} {
			a.Creates("table", key, obj)
			a.CatchesUp()
			b.CatchesUp()
			a.Updates("table", key, `{"x":1}`)
			WantChanges(t, a.CatchesUp(), Create("table", key, obj))
			WantChanges(t, b.CatchesUp())
		}
	}},

	{"to those who come later, an update without the key was a create", func(t *testing.T, log *Log) {
		a, b := log.Client("a"), log.Client("b")
		a.Creates("table", "k", `{"x":0,"y":0}`)
		a.CatchesUp()
		b.CatchesUp()
		b.Updates("table", "k", `{"x":"b"}`)
		a.Updates("table", "k", `{"y":"a"}`)
		WantChanges(t, a.CatchesUp(), Create("table", "k", `{"x":"b","y":0}`))
		WantChanges(t, b.CatchesUp())
		WantChanges(t, log.Objects(), Create("table", "k", `{"x":"b","y":0}`))
	}},
}

// wantDown checks what an update of an object comes down as.
func wantDown(t *testing.T, log *Log, key any, obj, mods string, want protocol.Change) {
	t.Helper()
	a, b := log.Client("a"), log.Client("b")
	a.CatchesUp()
	a.Deletes("table", key)
	a.Creates("table", key, obj)
	b.CatchesUp()
	a.Updates("table", key, mods)
	WantChanges(t, b.CatchesUp(), want)
	a.Deletes("table", key)
}

package conflict_test

import (
	"testing"

	"syncabled/conflict"
	"syncabled/protocol"
)

// benchObject is an object of 200 bytes.
var benchObject = []byte(`{"id":"7f6d1e0a-3c55-4b52-9a3e-1d2b8f6c9e10","title":"Buy milk and bread","done":false,"tags":["home","shop"],"list":{"id":42,"name":"Groceries","color":"#40a0c0"},"created":1731970000000,"priority":1.50}`)

func update(mods string) protocol.Change {
	return protocol.Change{Type: protocol.Update, Table: "items", Key: `"k"`, Mods: []byte(mods)}
}

func BenchmarkSet(b *testing.B) {
	value := []byte(`true`)
	for _, path := range []string{"done", "list.name", "new"} {
		b.Run(path, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				conflict.Set(benchObject, path, value)
			}
		})
	}
}

func BenchmarkApply(b *testing.B) {
	for _, bench := range []struct{ name, mods string }{
		{"one", `{"done":true}`},
		{"three", `{"done":true,"list.name":"Food","changed":1731970000001}`},
	} {
		b.Run(bench.name, func(b *testing.B) {
			c := update(bench.mods)
			b.ReportAllocs()
			for b.Loop() {
				conflict.Apply(benchObject, c)
			}
		})
	}
}

func BenchmarkThen(b *testing.B) {
	first, second := update(`{"done":true}`), update(`{"list.name":"Food","changed":1731970000001}`)
	b.Run("one", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			conflict.Effect{}.Then(first).Change("items", `"k"`)
		}
	})
	b.Run("two", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			conflict.Effect{}.Then(first).Then(second).Change("items", `"k"`)
		}
	})
}

func BenchmarkTransform(b *testing.B) {
	e := conflict.Effect{}.Then(update(`{"done":true,"list.name":"Food"}`))
	for _, bench := range []struct {
		name string
		e    conflict.Effect
		c    protocol.Change
	}{
		{"by nothing", conflict.Effect{}, update(`{"title":"Buy"}`)},
		{"apart", e, update(`{"title":"Buy"}`)},
		{"overlapping", e, update(`{"list":{"id":43},"title":"Buy"}`)},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bench.e.Transform(bench.c)
			}
		})
	}
}

package protocol_test

import (
	"fmt"
	"testing"

	"syncabled/protocol"
)

// benchChange is a change of 200 bytes.
const benchChange = `{"rev":%d,"source":1,"type":1,"table":"items","key":"7f6d1e0a-3c55-4b52-9a3e-%012d","obj":{"id":"7f6d1e0a-3c55-4b52-9a3e-000000000001","title":"Buy milk","done":false,"tags":["home"],"n":1.50}}`

const benchUpdate = `{"rev":%d,"source":1,"type":2,"table":"items","key":"7f6d1e0a-3c55-4b52-9a3e-%012d","mods":{"title":"Buy milk and bread, butter and cheese","done":false,"list.color":"#40a0c0","position":1.50}}`

func benchFrame(change string, n int) []byte {
	frame := []byte(`{"type":"changes","changes":[`)
	for i := range n {
		if i > 0 {
			frame = append(frame, ',')
		}
		frame = fmt.Appendf(frame, change, i, i)
	}
	return append(frame, `],"partial":false,"baseRevision":41,"requestId":7}`...)
}

func BenchmarkDecode(b *testing.B) {
	limits := protocol.Limits{}.WithDefaults()
	for _, bench := range []struct {
		name  string
		frame []byte
	}{
		{"create", benchFrame(benchChange, 1)},
		{"update", benchFrame(benchUpdate, 1)},
		{"10000 creates", benchFrame(benchChange, 10_000)},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.SetBytes(int64(len(bench.frame)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := protocol.Decode(bench.frame, limits); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppendChanges(b *testing.B) {
	frame := benchFrame(benchChange, 100)
	msg, err := protocol.Decode(frame, protocol.Limits{}.WithDefaults())
	if err != nil {
		b.Fatal(err)
	}
	changes := msg.(protocol.Changes).Changes
	var out []byte
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		out = protocol.AppendChanges(out[:0], changes, 42, false)
	}
}

func BenchmarkParseKey(b *testing.B) {
	for _, key := range []string{`"7f6d1e0a-3c55-4b52-9a3e-000000000001"`, `42`, `1.50`, `["a",1]`} {
		b.Run(key, func(b *testing.B) {
			text := []byte(key)
			b.ReportAllocs()
			for b.Loop() {
				protocol.ParseKey(text)
			}
		})
	}
}

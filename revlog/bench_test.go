package revlog

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"syncabled/protocol"
)

// BenchmarkSubmit measures durable sets of one change of 200 bytes, each of a
// new object, by concurrent writers.
func BenchmarkSubmit(b *testing.B) {
	for _, writers := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			db, err := Open(filepath.Join(b.TempDir(), "bench.db"), Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			b.ResetTimer()
			submitFrom(b, db, writers, b.N)
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sets/s")
		})
	}
}

func submitFrom(tb testing.TB, db *DB, writers, sets int) {
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), uint64(sets)))
			client := fmt.Sprintf("writer-%d", w)
			for n := w; n < sets; n += writers {
				set := Set{Client: client, Base: db.Head(), Changes: []protocol.Change{newObject(rng)}, Time: time.Unix(1_700_000_000, 0)}
				if _, err := db.Submit(context.Background(), set); err != nil {
					tb.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func newObject(rng *rand.Rand) protocol.Change {
	id := fmt.Sprintf("%016x%016x", rng.Uint64(), rng.Uint64())
	obj := fmt.Sprintf(`{"id":"%s","title":"%0128d","done":false}`, id, rng.Uint64())
	return protocol.Change{Type: protocol.Create, Table: "items", Key: protocol.Key(`"` + id + `"`), Obj: []byte(obj)}
}

package boltlog

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/fold"
)

// BenchmarkSubmit measures durable sets of one change of 200 bytes by concurrent
// writers, on logs of different lengths: what a set costs must not depend on
// how much came before it.
func BenchmarkSubmit(b *testing.B) {
	for _, entries := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprintf("entries=%d", entries), func(b *testing.B) {
			db := openBench(b, filepath.Join(b.TempDir(), "bench.db"))
			prefill(b, db, entries)
			for _, kind := range []struct {
				name   string
				change func(*rand.Rand) protocol.Change
			}{
				{"new", newObject},
				{"update", func(rng *rand.Rand) protocol.Change { return updateOf(rng, rng.IntN(entries)) }},
			} {
				for _, writers := range []int{1, 16, 256} {
					b.Run(fmt.Sprintf("%s/writers=%d", kind.name, writers), func(b *testing.B) {
						b.ReportAllocs()
						submitFrom(b, db, writers, b.N, kind.change)
						b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sets/s")
					})
				}
			}
		})
	}
}

// BenchmarkPrefill measures a first upload: sets of many new objects.
func BenchmarkPrefill(b *testing.B) {
	db := openBench(b, filepath.Join(b.TempDir(), "bench.db"))
	b.ReportAllocs()
	for b.Loop() {
		prefill(b, db, 100_000)
	}
}

// BenchmarkRead measures what a client gets that is 100 changes behind, from
// memory and from the file, and the first download of 100,000 objects.
func BenchmarkRead(b *testing.B) {
	const objects = 100_000
	path := filepath.Join(b.TempDir(), "bench.db")
	db := openBench(b, path)
	prefill(b, db, objects)
	measure := func(name string, behind protocol.Revision) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				readBatch(b, db, revlog.Query{Reader: "reader", After: db.MustHead() - behind, MaxBytes: 32 << 10, Encoder: protocol.ListEncoder{}, Text: make([]byte, 0, 40<<10)})
			}
			b.ReportMetric(float64(b.N)*float64(behind)/b.Elapsed().Seconds(), "changes/s")
		})
	}
	measure("behind=100/memory", 100)
	measure("behind=all/memory", objects)
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	db = openBench(b, path)
	measure("behind=100/file", 100)
	measure("behind=all/file", objects)
}

// BenchmarkFold measures the resolution of a change, without the commit, when
// others have changed its object so many times since its base.
func BenchmarkFold(b *testing.B) {
	for _, conflicts := range []int{0, 1, 100} {
		b.Run(fmt.Sprintf("conflicts=%d", conflicts), func(b *testing.B) {
			db := openBench(b, filepath.Join(b.TempDir(), "bench.db"))
			prefill(b, db, 1)
			base := db.MustHead()
			rng := rand.New(rand.NewPCG(1, 2))
			for n := range conflicts {
				mods := fmt.Appendf(nil, `{"other":%d}`, n)
				change := protocol.Change{Type: protocol.Update, Table: "items", Key: updateOf(rng, 0).Key, Mods: mods}
				if _, err := db.Submit(b.Context(), revlog.Set{Client: "other", Base: base, Changes: []protocol.Change{change}, Time: benchTime}); err != nil {
					b.Fatal(err)
				}
			}
			set := revlog.Set{Client: "writer", Base: base, Changes: []protocol.Change{updateOf(rng, 0)}, Time: benchTime}
			b.ReportAllocs()
			err := db.file.bolt.View(func(tx *bbolt.Tx) error {
				for b.Loop() {
					f := fold.New()
					if err := f.Begin(db.committed(tx)); err != nil {
						return err
					}
					if _, err := f.Apply(set); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		})
	}
}

// BenchmarkHold measures the messages of a first upload in many parts.
func BenchmarkHold(b *testing.B) {
	const size = 1000
	db := openBench(b, filepath.Join(b.TempDir(), "bench.db"))
	set := revlog.Set{Client: "filler", Time: benchTime, Partial: true}
	for i := range size {
		set.Changes = append(set.Changes, createOf(objectID(i), uint64(i)))
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := db.Submit(b.Context(), set); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*size/b.Elapsed().Seconds(), "changes/s")
}

func readBatch(tb testing.TB, db *DB, q revlog.Query) {
	for {
		page, err := db.Read(context.Background(), q)
		if err != nil {
			tb.Fatal(err)
		}
		if !page.Partial {
			return
		}
		q.Cursor = page.Next
	}
}

func openBench(tb testing.TB, path string) *DB {
	tb.Helper()
	db, err := Open(path, Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	return db
}

// prefill makes n objects, which updateOf finds again by their number.
func prefill(tb testing.TB, db *DB, n int) {
	tb.Helper()
	const setSize = 10_000
	for from := 0; from < n; from += setSize {
		set := revlog.Set{Client: "filler", Time: benchTime}
		for i := from; i < min(from+setSize, n); i++ {
			set.Changes = append(set.Changes, createOf(objectID(i), uint64(i)))
		}
		if _, err := db.Submit(context.Background(), set); err != nil {
			tb.Fatal(err)
		}
	}
}

var benchTime = time.Unix(1_700_000_000, 0)

func submitFrom(tb testing.TB, db *DB, writers, sets int, change func(*rand.Rand) protocol.Change) {
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
			client := fmt.Sprintf("writer-%d", w)
			for n := w; n < sets; n += writers {
				set := revlog.Set{Client: client, Base: db.MustHead(), Changes: []protocol.Change{change(rng)}, Time: benchTime}
				if _, err := db.Submit(context.Background(), set); err != nil {
					tb.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// objectID spreads consecutive numbers over all ids, as UUIDs would.
func objectID(n int) string {
	hash := fnv.New128a()
	_ = binary.Write(hash, binary.BigEndian, uint64(n))
	return fmt.Sprintf("%x", hash.Sum(nil))
}

func createOf(id string, title uint64) protocol.Change {
	obj := fmt.Sprintf(`{"id":"%s","title":"%0128d","done":false}`, id, title)
	return protocol.Change{Type: protocol.Create, Table: "items", Key: protocol.Key(`"` + id + `"`), Obj: []byte(obj)}
}

func newObject(rng *rand.Rand) protocol.Change {
	return createOf(fmt.Sprintf("%016x%016x", rng.Uint64(), rng.Uint64()), rng.Uint64())
}

func updateOf(rng *rand.Rand, n int) protocol.Change {
	mods := fmt.Sprintf(`{"title":"%0128d"}`, rng.Uint64())
	return protocol.Change{Type: protocol.Update, Table: "items", Key: protocol.Key(`"` + objectID(n) + `"`), Mods: []byte(mods)}
}

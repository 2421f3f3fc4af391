package boltlog

import (
	"github.com/bits-and-blooms/bloom/v3"
	"go.etcd.io/bbolt"
)

// A keyFilter answers, for most keys that are in neither the file nor a memtable, that
// they are absent. Most creates are for new keys, and without it each would read random
// pages of a large file to find nothing.
//
// It is in memory only. For an empty file it is complete from the beginning. To load the
// keys of another would delay the start: the committer loads some more whenever a look-up
// has found nothing, until it has them all.
//
// Only the committer may use it. The zero value knows nothing.
type keyFilter struct {
	layers    []*bloom.BloomFilter // each for twice as many keys as the one before
	budget    uint                 // keys that the last layer still takes
	done      uint64               // the keys of runs up to this one are loaded
	loading   uint64               // the run, or the base if it is 0,
	loaded    []byte               // of which the keys up to here are loaded
	complete  bool                 // it has all keys of the file
	saturated bool                 // there are too many
	loadDebt  int                  // keys that are to be loaded for look-ups that found nothing
}

const (
	// The first layer is small, because a server may have thousands of databases.
	// Each is wrong with 3 of 1,000 keys that it does not have.
	firstLayer   = 1 << 10 // keys
	maxLayers    = 14      // for 16 million keys, with 24 MB
	bitsPerKey   = 12
	hashesPerKey = 8

	// keysPerMiss are read for a look that found nothing. They lie on two or three
	// pages, as many as the look went through.
	keysPerMiss = 32
	maxLoad     = 128 * keysPerMiss // at a time
)

// absent reports whether there is certainly no object with a key.
func (f *keyFilter) absent(key []byte) bool {
	return f.complete && !f.has(bloom.Locations(key, hashesPerKey))
}

func (f *keyFilter) has(places []uint64) bool {
	for _, layer := range f.layers {
		if layer.TestLocations(places) {
			return true
		}
	}
	return false
}

// add notes the key of an object.
func (f *keyFilter) add(key []byte) {
	if f.saturated {
		return
	}
	places := bloom.Locations(key, hashesPerKey)
	if f.has(places) {
		return
	}
	if f.budget == 0 {
		if len(f.layers) == maxLayers {
			*f = keyFilter{saturated: true}
			return
		}
		f.budget = firstLayer << len(f.layers)
		f.layers = append(f.layers, bloom.New(f.budget*bitsPerKey, hashesPerKey))
	}
	last := f.layers[len(f.layers)-1]
	for _, place := range places {
		last.BitSet().Set(uint(place % uint64(last.Cap()))) // as its Add does, which would hash the key again
	}
	f.budget--
}

// noteMiss notes a look that found nothing.
func (f *keyFilter) noteMiss() {
	if !f.complete && !f.saturated {
		f.loadDebt += keysPerMiss
	}
}

// loadMore adds some of the keys that are to be read: those of the runs that were found
// on opening, and then those of the objects. What is written or merged meanwhile is
// added anyway.
func (f *keyFilter) loadMore(l *levels, atOpen uint64) {
	bucket, number := l.base, uint64(0)
	for _, run := range l.runs {
		if run.number > f.done && run.number <= atOpen {
			bucket, number = run.bucket, run.number // the oldest, in the end
		}
	}
	if number != f.loading {
		f.loading, f.loaded = number, nil
	}
	max := min(f.loadDebt, maxLoad)
	f.loadDebt -= max
	next := seekAfter(bucket, f.loaded)
	for ; next.key != nil && max > 0 && !f.saturated; max-- {
		f.add(next.key)
		f.loaded = append(f.loaded[:0], next.key...)
		next.key, _ = next.cursor.Next()
	}
	switch {
	case next.key != nil || f.saturated:
	case number > 0:
		f.done = number
	default:
		f.complete, f.loadDebt = true, 0
	}
}

// loadKeys lets the filter know more of the keys that the file has.
func (o *objects) loadKeys() {
	for o.keys.loadDebt > 0 {
		err := o.file.view(func(tx *bbolt.Tx) error {
			o.keys.loadMore(newView(tx).levels(), o.runs.atOpen)
			return nil
		})
		if err != nil {
			return // whoever looks for what cannot be read is told
		}
	}
}

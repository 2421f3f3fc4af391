package revlog

import "github.com/bits-and-blooms/bloom/v3"

// A keyFilter knows of most objects that neither the file nor the overlay has that
// they do not. Most objects that clients make are new, and a look that finds nothing
// costs as much as another: in a large file, pages from anywhere.
//
// It is in memory only. Of an empty file it knows everything from the beginning. To
// read the keys of another would delay the start: the committer reads some more of
// them whenever a look has found nothing, until it has them all.
//
// Only the committer may use it. The zero value knows nothing.
type keyFilter struct {
	layers  []*bloom.BloomFilter // each for twice as many keys as the one before
	room    uint                 // keys that the last layer still takes
	done    uint64               // the keys of runs up to this one are among them
	reading uint64               // the run, or the objects if it is 0,
	read    []byte               // of which the keys up to here are
	whole   bool                 // all keys of the file are
	useless bool                 // they are too many
	owed    int                  // keys that are to be read for looks that found nothing
}

const (
	// The first layer is small, because a server may have thousands of databases.
	// Each is wrong with 3 of 1,000 keys that it does not have.
	firstLayer   = 1 << 10 // keys
	mostLayers   = 14      // for 16 million keys, with 24 MB
	bitsPerKey   = 12
	hashesPerKey = 8

	// keysPerLook are read for a look that found nothing. They lie on two or three
	// pages, as many as the look went through.
	keysPerLook = 32
	mostRead    = 128 * keysPerLook // at a time
)

// lacks reports whether it is certain that there is no object with a key.
func (f *keyFilter) lacks(key []byte) bool {
	return f.whole && !f.has(bloom.Locations(key, hashesPerKey))
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
	if f.useless {
		return
	}
	places := bloom.Locations(key, hashesPerKey)
	if f.has(places) {
		return
	}
	if f.room == 0 {
		if len(f.layers) == mostLayers {
			*f = keyFilter{useless: true}
			return
		}
		f.room = firstLayer << len(f.layers)
		f.layers = append(f.layers, bloom.New(f.room*bitsPerKey, hashesPerKey))
	}
	last := f.layers[len(f.layers)-1]
	for _, place := range places {
		last.BitSet().Set(uint(place % uint64(last.Cap()))) // as its Add does, which would hash the key again
	}
	f.room--
}

// noteVain notes a look that found nothing.
func (f *keyFilter) noteVain() {
	if !f.whole && !f.useless {
		f.owed += keysPerLook
	}
}

// readOn adds some of the keys that are to be read: those of the runs that were found
// on opening, and then those of the objects. What is written or merged meanwhile is
// added anyway.
func (f *keyFilter) readOn(v *txView, found uint64) {
	layers := v.layers()
	bucket, number := layers.objects, uint64(0)
	for _, run := range layers.runs {
		if run.number > f.done && run.number <= found {
			bucket, number = run.bucket, run.number // the oldest, in the end
		}
	}
	if number != f.reading {
		f.reading, f.read = number, nil
	}
	most := min(f.owed, mostRead)
	f.owed -= most
	next := seekBehind(bucket, f.read)
	for ; next.key != nil && most > 0 && !f.useless; most-- {
		f.add(next.key)
		f.read = append(f.read[:0], next.key...)
		next.key, _ = next.cursor.Next()
	}
	switch {
	case next.key != nil || f.useless:
	case number > 0:
		f.done = number
	default:
		f.whole, f.owed = true, 0
	}
}

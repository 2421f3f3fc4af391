package boltlog

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/bits-and-blooms/bloom/v3"
	"go.etcd.io/bbolt"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/fold"
)

// TestFilterHasWhatWasAdded: a filter may be wrong with keys that it does not have,
// rarely, and never with those that it has.
func TestFilterHasWhatWasAdded(t *testing.T) {
	const keys = 20 * firstLayer
	f := keyFilter{complete: true}
	for i := range keys {
		f.add(fmt.Appendf(nil, "there %d", i))
	}
	wrong := 0
	for i := range keys {
		if f.absent(fmt.Appendf(nil, "there %d", i)) {
			t.Fatalf("key %d was added and lacks", i)
		}
		if !f.absent(fmt.Appendf(nil, "elsewhere %d", i)) {
			wrong++
		}
	}
	if wrong > keys/50 {
		t.Errorf("the filter claims to have %d of %d keys that it does not have", wrong, keys)
	}
	layers := len(f.layers)
	for i := range keys {
		f.add(fmt.Appendf(nil, "there %d", i))
	}
	if len(f.layers) != layers {
		t.Errorf("the same keys again made %d layers of %d", len(f.layers), layers)
	}
}

// TestFilterGivesUp: with more keys than it is made for, a filter takes no memory and
// has every key looked for.
func TestFilterGivesUp(t *testing.T) {
	f := keyFilter{complete: true}
	for i := range firstLayer {
		f.add(fmt.Appendf(nil, "there %d", i))
	}
	f.layers = append(f.layers, make([]*bloom.BloomFilter, maxLayers-1)...)
	for i := 1; i < maxLayers; i++ {
		f.layers[i] = f.layers[0]
	}
	f.add([]byte("one more"))
	if f.absent([]byte("elsewhere")) || f.layers != nil {
		t.Errorf("the filter has %d layers and still claims to know", len(f.layers))
	}
	f.noteMiss()
	if f.loadDebt != 0 {
		t.Error("it is going to read keys")
	}
}

// TestFilterOfOldFile opens a file with objects. The looks for new ones that find
// nothing bring the filter to know all keys; from then on, new objects cost no look,
// and those of the file are found.
func TestFilterOfOldFile(t *testing.T) {
	runs := Options{bounds: bounds{direct: -1, mergeAt: -1, chunk: 100}}
	for _, file := range []struct {
		name    string
		options Options
		merge   bool // before they are looked for
	}{
		{"objects", Options{}, false},
		{"runs", runs, false},
		{"runs that are merged", runs, true},
	} {
		t.Run(file.name, func(t *testing.T) { testFilterOfOldFile(t, file.options, file.merge) })
	}
}

func testFilterOfOldFile(t *testing.T, options Options, merge bool) {
	const old = 1000
	path := filepath.Join(t.TempDir(), "old.db")
	s := openFiltered(t, path, options)
	for i := range old {
		if i == old/2 {
			s.storeAll()
		}
		s.create(t, fmt.Sprint("old ", i))
	}
	s.storeAll()
	if err := s.Abandon(); err != nil {
		t.Fatal(err)
	}
	s = openFiltered(t, path, options)
	for merge && s.objects.merge() {
	}
	looks := 0
	for ; !s.objects.keys.complete; looks++ {
		s.create(t, fmt.Sprint("new ", looks))
		s.objects.loadKeys()
	}
	if want := old / keysPerMiss; looks < want || looks > want+5 {
		t.Errorf("the filter knew all after %d looks, want %d", looks, want)
	}
	err := s.file.view(func(tx *bbolt.Tx) error {
		v := s.committed(tx)
		key := func(name string, i int) string {
			return fold.ObjectKey("items", protocol.Key(fmt.Sprintf(`"%s %d"`, name, i)))
		}
		for i := range old {
			if obj, err := v.Object(key("old", i)); err != nil || obj.Value == nil {
				t.Fatalf("object %d of the file is %+v, %v", i, obj, err)
			}
		}
		looked := 0
		for i := range old {
			if obj, err := v.Object(key("newer", i)); err != nil || obj.Last != 0 {
				t.Fatalf("new object %d is %+v, %v", i, obj, err)
			}
			if !s.objects.keys.absent([]byte(key("newer", i))) {
				looked++
			}
		}
		if looked > old/50 {
			t.Errorf("%d new objects take %d look-ups", old, looked)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// filtered is a database whose committer is the test.
type filtered struct{ *Stepper }

func openFiltered(t *testing.T, path string, options Options) filtered {
	t.Helper()
	s, err := OpenStepper(path, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Abandon() })
	return filtered{s}
}

// storeAll writes what is in memory to the file.
func (f filtered) storeAll() {
	for f.objects.flush() {
	}
}

// create makes an object.
func (f filtered) create(t *testing.T, key string) {
	t.Helper()
	change := protocol.Change{Type: protocol.Create, Table: "items", Key: protocol.Key(fmt.Sprintf("%q", key)), Obj: []byte(`{}`)}
	if _, err := f.Commit(revlog.Set{Client: "a", Changes: []protocol.Change{change}, Time: time.Unix(1_800_000_000, 0)}); err != nil {
		t.Fatal(err)
	}
}

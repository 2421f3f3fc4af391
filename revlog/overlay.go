package revlog

import (
	"github.com/tidwall/btree"

	"syncabled/protocol"
)

// An overlay holds the objects whose records in the file lag behind the log. It
// has two layers: changes go to the fresh one; when that has grown large it
// becomes the settled one, which is written to the file in key order, a batch at
// a time, and then dropped. Two layers, because sorted batches are cheap only
// if nothing joins them while they are written.
//
// The owner guards it: only the committer changes it, under the log's lock.
type overlay struct {
	fresh     *btree.Map[string, object]
	freshSize int // bytes, roughly

	settled     *btree.Map[string, object] // nil if there is none
	settledHead protocol.Revision          // the layers' border: entries up to here are in settled or in the file
	stored      string                     // objects of settled up to this key are in the file
	storedCount int                        // so many
}

// perObject is what an object costs in memory beside its key and value.
const perObject = 96

func newOverlay() overlay {
	return overlay{fresh: new(btree.Map[string, object])}
}

func (o *overlay) set(key string, obj object) {
	old, replaced := o.fresh.Set(key, obj)
	if replaced {
		o.freshSize -= len(old.value)
	} else {
		o.freshSize += perObject + len(key)
	}
	o.freshSize += len(obj.value)
}

func (o *overlay) get(key string) (object, bool) {
	if obj, ok := o.fresh.Get(key); ok {
		return obj, true
	}
	if o.settled != nil {
		return o.settled.Get(key)
	}
	return object{}, false
}

// settle makes the fresh layer the settled one. There must be none.
func (o *overlay) settle(head protocol.Revision) {
	o.settled, o.settledHead, o.stored, o.storedCount = o.fresh, head, "", 0
	o.fresh, o.freshSize = new(btree.Map[string, object]), 0
}

// lags reports whether a smaller part of the settled layer is in the file than the
// fresh one has of a size.
func (o *overlay) lags(size int) bool {
	return o.settled != nil && o.storedCount*size < o.settled.Len()*o.freshSize
}

// A keyed is an object with its key.
type keyed struct {
	key string
	object
}

// nextStored returns up to most objects of the settled layer that are not in
// the file yet.
func (o *overlay) nextStored(most int) []keyed {
	return ascend(o.settled, o.stored, most)
}

// after returns the first objects behind a key in key order, at most as many as
// asked for.
func (o *overlay) after(key string, most int) []keyed {
	fresh := ascend(o.fresh, key, most)
	if o.settled == nil {
		return fresh
	}
	settled := ascend(o.settled, key, most)
	merged := make([]keyed, 0, min(most, len(fresh)+len(settled)))
	for len(merged) < most && len(fresh)+len(settled) > 0 {
		switch {
		case len(settled) == 0 || len(fresh) > 0 && fresh[0].key < settled[0].key:
			merged, fresh = append(merged, fresh[0]), fresh[1:]
		case len(fresh) > 0 && fresh[0].key == settled[0].key:
			settled = settled[1:] // the fresh one counts
		default:
			merged, settled = append(merged, settled[0]), settled[1:]
		}
	}
	return merged
}

func ascend(layer *btree.Map[string, object], after string, most int) []keyed {
	found := make([]keyed, 0, min(most, layer.Len()))
	layer.Ascend(after, func(key string, obj object) bool {
		if key != after {
			found = append(found, keyed{key, obj})
		}
		return len(found) < most
	})
	return found
}

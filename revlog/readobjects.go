package revlog

import (
	"context"
	"errors"
	"strings"

	"syncabled/protocol"
)

// errChunk ends the reading of a chunk of which there may be more.
var errChunk = errors.New("chunk is full")

// usualObject is what an object takes of a page, roughly: a page of a few kilobytes
// need not look at thousands of objects.
const usualObject = 256

// readObjects reads a page from the objects, in key order. Objects that have
// moved on since the batch began are put together from their entries.
func (b *batch) readObjects(ctx context.Context, db *DB) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := b.readChunk(db); !errors.Is(err, errChunk) {
			return err
		}
	}
}

func (b *batch) readChunk(db *DB) error {
	most := min(db.options.bounds.objectsChunk, 1+b.query.MaxBytes/usualObject)
	// The overlay is looked at before the transaction begins: what has left it
	// by then is in the file, and so are the entries it knows of.
	db.mu.RLock()
	recent := db.overlay.after(b.cursor.object, most+1) // one more, to know whether there is more
	db.mu.RUnlock()
	return b.fromFile(db, func(v *txView) error {
		chunk, h := 0, history(v)
		return v.eachObject(b.cursor.object, recent, func(obj *keyed) error {
			if chunk == most {
				return errChunk
			}
			chunk++
			if err := b.readObject(h, obj); err != nil {
				return err
			}
			b.cursor.object = obj.key
			return nil
		})
	})
}

// eachObject visits, in key order, the objects behind a key: those of the file, and
// recent ones in place of what the file has of them.
func (v *txView) eachObject(after string, recent []keyed, visit func(*keyed) error) error {
	stored := v.stored(after)
	key, record := stored.next()
	var next keyed
	var names names
	for key != nil || len(recent) > 0 {
		if key == nil || len(recent) > 0 && recent[0].key <= string(key) {
			next, recent = recent[0], recent[1:]
		} else {
			var err error
			if next.object, err = decodeObject(key, record); err != nil {
				return err
			}
			next.key = names.add(key)
		}
		if key != nil && next.key == string(key) {
			key, record = stored.next()
		}
		if err := visit(&next); err != nil {
			return err
		}
	}
	return nil
}

// names are strings that share memory, so that not each is garbage of its own.
type names struct{ strings.Builder }

func (n *names) add(name []byte) string {
	const many = 4 << 10
	if n.Cap()-n.Len() < len(name) {
		n.Reset()
		n.Grow(max(many, len(name)))
	}
	start := n.Len()
	n.Write(name)
	return n.String()[start:]
}

// readObject adds what others made of an object. If nobody else touched it, or
// the reader did not, that is nothing, or all there is of it.
func (b *batch) readObject(h history, obj *keyed) error {
	table, key := splitObjectKey(obj.key)
	switch moved := obj.last > b.cursor.head; {
	case b.query.Whole && moved:
		return b.addPresent(h, table, key, obj.last)
	case b.query.Whole: // as it is
	case moved:
		return b.addEffect(h, table, key, obj.last)
	case obj.owner != 0 && obj.owner == b.reader:
		return nil
	case obj.owner == 0 && (b.reader != nobody || obj.value == nil): // it may be nothing but marks
		return b.addEffect(h, table, key, obj.last)
	}
	if obj.value == nil {
		return b.add(protocol.Change{Type: protocol.Delete, Table: table, Key: key})
	}
	return b.add(protocol.Change{Type: protocol.Create, Table: table, Key: key, Obj: obj.value})
}

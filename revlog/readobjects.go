package revlog

import (
	"bytes"
	"context"
	"errors"

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
		chunk, h, last := 0, history(v), []byte(b.cursor.object)
		err := v.eachObject(b.cursor.object, recent, func(name []byte, obj *object) error {
			if chunk == most {
				return errChunk
			}
			chunk++
			if err := b.readObject(h, name, obj); err != nil {
				return err
			}
			last = append(last[:0], name...)
			return nil
		})
		b.cursor.object = string(last)
		return err
	})
}

// eachObject visits, in key order, the objects behind a key: those of the file, and
// recent ones in place of what the file has of them. What is passed to visit is
// valid until it returns.
func (v *txView) eachObject(after string, recent []keyed, visit func(key []byte, obj *object) error) error {
	stored := v.stored(after)
	key, record := stored.next()
	var obj object
	for key != nil || len(recent) > 0 {
		next := key
		if key == nil || len(recent) > 0 && recent[0].key <= string(key) {
			next, obj, recent = []byte(recent[0].key), recent[0].object, recent[1:]
		} else if err := obj.decode(key, record); err != nil {
			return err
		}
		if bytes.Equal(next, key) {
			key, record = stored.next()
		}
		if err := visit(next, &obj); err != nil {
			return err
		}
	}
	return nil
}

// readObject adds what others made of an object. If nobody else touched it, or
// the reader did not, that is nothing, or all there is of it.
func (b *batch) readObject(h history, name []byte, obj *object) error {
	space, key := splitObjectKey(name)
	if b.table != string(space) {
		b.table = string(space)
	}
	switch moved := obj.last > b.cursor.head; {
	case b.query.Whole && moved:
		return b.addPresent(h, b.table, protocol.Key(key), obj.last)
	case b.query.Whole: // as it is
	case moved:
		return b.addEffect(h, b.table, protocol.Key(key), obj.last)
	case obj.owner != 0 && obj.owner == b.reader:
		return nil
	case obj.owner == 0 && (b.reader != nobody || obj.value == nil): // it may be nothing but marks
		return b.addEffect(h, b.table, protocol.Key(key), obj.last)
	}
	if obj.value == nil {
		return b.add(protocol.Change{Type: protocol.Delete, Table: b.table, Key: protocol.Key(key)})
	}
	return b.addCreate(key, obj.value)
}

// addCreate adds an object of the table at hand. If the page is text, its key need
// not become a string: that would be garbage for each object of a first sync.
func (b *batch) addCreate(key, obj []byte) error {
	if b.query.Text == nil {
		return b.add(protocol.Change{Type: protocol.Create, Table: b.table, Key: protocol.Key(key), Obj: obj})
	}
	if added, err := b.admit(b.table, len(key)+len(obj)); !added {
		return err
	}
	b.page.Text = protocol.AppendCreate(b.page.Text, b.table, key, obj)
	return nil
}

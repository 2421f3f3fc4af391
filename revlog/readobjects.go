package revlog

import (
	"bytes"
	"context"

	"syncabled/protocol"
)

// readObjects reads a batch from position 0 from the objects, in key order.
func (r *reader) readObjects(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		chunk, err := r.nextObjects()
		if err != nil || len(chunk) == 0 {
			return err
		}
		for _, obj := range chunk {
			if err := r.readObject(obj); err != nil {
				return err
			}
			r.cursor.object = obj.key
		}
	}
}

// nextObjects returns the objects behind the cursor, merged from overlay and
// file. The overlay is looked at first: what has left it since is in the file.
// Values are valid until the transaction ends.
func (r *reader) nextObjects() ([]keyed, error) {
	r.db.mu.RLock()
	recent := r.db.overlay.after(r.cursor.object, readChunk)
	r.db.mu.RUnlock()
	if err := r.renew(); err != nil {
		return nil, err
	}
	var chunk []keyed
	cursor := r.view.objects.Cursor()
	key, record := cursor.Seek([]byte(r.cursor.object))
	if key != nil && string(key) == r.cursor.object {
		key, record = cursor.Next()
	}
	for len(chunk) < readChunk && (key != nil || len(recent) > 0) {
		if key == nil || len(recent) > 0 && recent[0].key <= string(key) {
			if key != nil && recent[0].key == string(key) {
				key, record = cursor.Next() // the file is behind
			}
			chunk, recent = append(chunk, recent[0]), recent[1:]
			continue
		}
		obj, err := decodeObject(string(key), record)
		if err != nil {
			return nil, err
		}
		chunk = append(chunk, keyed{string(key), obj})
		key, record = cursor.Next()
	}
	return chunk, nil
}

// readObject adds what others made of an object. If nobody else touched it, or
// the reader did not, that is nothing, or all there is of it.
func (r *reader) readObject(obj keyed) error {
	table, key := splitObjectKey(obj.key)
	switch {
	case obj.last > r.cursor.head:
		return r.addEffect(table, key, obj.last)
	case obj.owner != 0 && obj.owner == r.reader:
		return nil
	case obj.owner == 0 && r.reader != 0:
		return r.addEffect(table, key, obj.last)
	case obj.value == nil:
		return r.add(protocol.Change{Type: protocol.Delete, Table: table, Key: key})
	}
	return r.add(protocol.Change{Type: protocol.Create, Table: table, Key: key, Obj: bytes.Clone(obj.value)})
}

package boltlog

import (
	"context"
	"errors"

	"syncabled/protocol"
	"syncabled/revlog/fold"
)

// errChunk ends the reading of a chunk of which there may be more.
var errChunk = errors.New("chunk is full")

// usualObject is what an object takes of a page, roughly: a page of a few kilobytes
// need not look at thousands of objects.
const usualObject = 256

// readObjects reads a page from the objects, in key order. Objects that have
// moved on since the batch began are put together from their entries.
func (b *pageBuilder) readObjects(ctx context.Context, s *store) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := b.readChunk(s); !errors.Is(err, errChunk) {
			return err
		}
	}
}

func (b *pageBuilder) readChunk(s *store) error {
	max := min(s.options.bounds.readChunk, 1+b.query.MaxBytes/usualObject)
	scan := s.objects.scan(b.cursor.object, max+1) // one more, to know whether there is more
	return b.fromFile(s, func(v *txView) error {
		chunk, h, last := 0, fold.History(v), []byte(b.cursor.object)
		err := scan.visit(v, func(name []byte, obj *fold.Object) error {
			if chunk == max {
				return errChunk
			}
			chunk++
			if end := b.endOfUnwanted(name); end != nil {
				last = end
				return errChunk
			}
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

// readObject adds what others made of an object. If nobody else touched it, or
// the reader did not, that is nothing, or all there is of it.
func (b *pageBuilder) readObject(h fold.History, name []byte, obj *fold.Object) error {
	space, key := fold.SplitObjectKey(name)
	if b.table != string(space) {
		b.table = string(space)
	}
	mine := obj.Owner != 0 && obj.Owner == b.reader
	if b.anew {
		owned, err := b.isOwned(h, obj)
		if err != nil || owned {
			return err
		}
	}
	switch moved := obj.Last > b.cursor.head; {
	case b.query.Mine:
		if !mine || obj.Value == nil {
			return nil
		}
	case b.anew && moved:
		return b.addPresent(h, b.table, protocol.Key(key), obj.Last, fold.WholeDoubt())
	case b.query.Snapshot && moved:
		return b.addAnew(h, b.table, protocol.Key(key), obj.Last)
	case b.anew, b.query.Snapshot && (b.query.Own || !mine): // as it is
	case moved:
		return b.addEffect(h, b.table, protocol.Key(key), obj.Last)
	case mine:
		return nil
	case obj.Owner == 0 && (b.reader != fold.Nobody || obj.Value == nil): // it may be nothing but marks
		return b.addEffect(h, b.table, protocol.Key(key), obj.Last)
	}
	if obj.Value == nil {
		return b.add(protocol.Change{Type: protocol.Delete, Table: b.table, Key: protocol.Key(key)})
	}
	return b.addCreate(key, obj.Value)
}

// endOfUnwanted returns a key behind those of the table that an object is of, and before
// those of the next one, if the page is to have nothing of the table. Else it returns nil.
func (b *pageBuilder) endOfUnwanted(name []byte) []byte {
	if b.query.Tables == nil && b.query.Anew == nil {
		return nil
	}
	table, _ := fold.SplitObjectKey(name)
	if b.table == string(table) || b.wants(string(table)) { // if it is not the first object of the table, it is wanted
		return nil
	}
	prefix := []byte(fold.ObjectKey(string(table), ""))
	prefix[len(prefix)-1]++ // no name ends with the highest byte: it is not of WTF-8
	return prefix
}

// readAnew reads what of Query.Anew is missing.
func (b *pageBuilder) readAnew(ctx context.Context, s *store) error {
	if len(b.query.Anew) == 0 || b.cursor.anew {
		return nil
	}
	b.anew = true
	if err := b.readObjects(ctx, s); err != nil {
		return err
	}
	b.anew, b.cursor.anew, b.cursor.object = false, true, ""
	return nil
}

// isOwned reports whether a reader that is given the table of an object anew has the
// object in a better form, because it alone made it.
func (b *pageBuilder) isOwned(h fold.History, obj *fold.Object) (bool, error) {
	if obj.Last <= b.cursor.head && obj.Owner != b.reader {
		return false, nil
	}
	return fold.IsOwn(h, obj.Last, b.query.Anew[b.table], b.cursor.head, b.reader)
}

// addCreate adds an object of the table at hand. For an encoder its key need not become
// a string: that would be garbage for each object of a first sync.
func (b *pageBuilder) addCreate(key, obj []byte) error {
	if b.query.Encoder == nil {
		return b.add(protocol.Change{Type: protocol.Create, Table: b.table, Key: protocol.Key(key), Obj: obj})
	}
	n := b.page.Count
	if added, err := b.admit(b.table, len(key)+len(obj)); !added {
		return err
	}
	b.page.Text = b.query.Encoder.AppendCreate(b.page.Text, n, b.table, key, obj)
	return nil
}

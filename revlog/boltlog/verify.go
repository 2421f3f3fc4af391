package boltlog

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/boltlog/boltcheck"
	"syncabled/revlog/fold"
)

// A Summary says what a database holds.
type Summary struct {
	Head    protocol.Revision
	Entries int
	Objects int // tombstones included
	Clients int
	Held    int // messages of sets that are not complete
	Refused int
}

// Verify checks the database in the file at path, which it does not change: the
// pages of the file, the checksum and place of every record, that the entries of
// each object form a chain, and that every object is what a replay of its
// entries gives. The error names the first broken thing.
func Verify(path string) (Summary, error) {
	v := verifier{memory: newObjects()}
	if err := checkFile(path, boltcheck.All, v.run); err != nil {
		return Summary{}, fmt.Errorf("%s: %w", path, err)
	}
	return v.summary, nil
}

type verifier struct {
	tx      *bbolt.Tx
	view    *txView
	memory  *objects // what is not folded into those of the file
	summary Summary
	resyncs int
}

func (v *verifier) run(tx *bbolt.Tx) error {
	v.tx, v.view = tx, newView(tx)
	for _, check := range []func() error{v.id, v.entries, v.objects, v.runs, v.clients, v.held, v.refused} {
		if err := check(); err != nil {
			return fmt.Errorf("%w: %w", ErrBroken, err)
		}
	}
	return nil
}

func (v *verifier) id() error {
	_, err := getMeta(v.tx.Bucket(bucketMeta), metaID)
	return err
}

func (v *verifier) entries() error {
	last := protocol.Revision(0)
	gaps, err := gapsOf(v.tx.Bucket(bucketMeta))
	if err != nil {
		return err
	}
	err = v.view.each(0, protocol.MaxRevision, func(e revlog.Entry) error {
		switch {
		case e.Revision != last+1 && !slices.Contains(gaps, gap{last, e.Revision}):
			return fmt.Errorf("entry %d follows entry %d", e.Revision, last)
		case e.Change.Type < protocol.Create || e.Change.Type > revlog.MarkResync:
			return fmt.Errorf("entry %d: unknown type %d", e.Revision, e.Change.Type)
		case e.Change.Type == revlog.MarkResync:
			v.resyncs++
		}
		last = e.Revision
		v.summary.Entries++
		return nil
	})
	v.summary.Head = last
	return err
}

func (v *verifier) objects() error {
	folded, err := foldedOf(v.tx.Bucket(bucketMeta))
	if err != nil {
		return err
	}
	if folded > v.summary.Head {
		return fmt.Errorf("objects are folded up to revision %d, the log ends at %d", folded, v.summary.Head)
	}
	if err := v.memory.replay(v.view); err != nil {
		return err
	}
	chained := 0
	err = v.memory.scan("", v.memory.mutable.len()).visit(v.view, func(key []byte, obj *fold.Object) error {
		v.summary.Objects++
		n, err := v.object(string(key), obj)
		chained += n
		return err
	})
	if err == nil && chained != v.summary.Entries-v.resyncs {
		err = fmt.Errorf("%d entries belong to no object", v.summary.Entries-v.resyncs-chained)
	}
	return err
}

// runs checks the records that newer runs stand in front of, too.
func (v *verifier) runs() error {
	for _, run := range v.view.levels().runs {
		err := run.bucket.ForEach(func(key, record []byte) error {
			return decodeObject(new(fold.Object), key, record)
		})
		if err != nil {
			return fmt.Errorf("run %d: %w", run.number, err)
		}
	}
	return nil
}

// object checks the chain of an object and what it adds up to. It returns the
// length of the chain.
func (v *verifier) object(name string, obj *fold.Object) (int, error) {
	table, rest := fold.SplitObjectKey(name)
	key := protocol.Key(rest)
	fail := func(format string, args ...any) (int, error) {
		return 0, fmt.Errorf("object %s of table %q: %w", key, table, fmt.Errorf(format, args...))
	}
	n, owner := 0, obj.Owner
	for rev := obj.Last; rev > 0; n++ {
		e, err := v.view.Entry(rev)
		switch {
		case err != nil:
			return fail("%w", err)
		case e.Change.Table != table || e.Change.Key != key || e.Change.Type == revlog.MarkResync:
			return fail("entry %d is of another object", rev)
		case e.Previous >= rev:
			return fail("entry %d follows entry %d", rev, e.Previous)
		case owner != 0 && (e.Client != owner || e.IsMark()):
			return fail("entry %d is not of its owner, client %d", rev, owner)
		}
		rev = e.Previous
	}
	net, _, err := fold.NetEffect(v.view, obj.Last, 0, obj.Last, fold.Nobody)
	if err != nil {
		return fail("%w", err)
	}
	if change, _ := net.Change(table, key); !bytes.Equal(change.Obj, obj.Value) {
		return fail("it is not what its entries add up to")
	}
	return n, nil
}

func (v *verifier) clients() error {
	numbers := map[uint64]bool{}
	err := v.view.clients.ForEach(func(identity, record []byte) error {
		c, err := decodeClient(string(identity), record)
		switch {
		case err != nil:
			return err
		case c.Number == 0 || c.Number > v.view.clients.Sequence() || numbers[c.Number]:
			return fmt.Errorf("client %q: number %d is out of range or not its own", identity, c.Number)
		case max(c.Base, c.Resync.At, c.Tables.Latest()) > v.summary.Head:
			return fmt.Errorf("client %q: it is ahead of the log", identity)
		}
		numbers[c.Number] = true
		v.summary.Clients++
		return nil
	})
	if last := v.view.clients.Sequence(); err == nil && last != uint64(v.summary.Clients) {
		err = fmt.Errorf("%d clients were numbered, %d are there", last, v.summary.Clients)
	}
	return err
}

func (v *verifier) held() error {
	return v.tx.Bucket(bucketHeld).ForEach(func(key, record []byte) error {
		if len(key) != 16 || binary.BigEndian.Uint64(key) > v.view.clients.Sequence() {
			return fmt.Errorf("held message %x: no such client", key)
		}
		v.summary.Held++
		_, err := decodePart(key, record)
		return err
	})
}

func (v *verifier) refused() error {
	return v.tx.Bucket(bucketRefused).ForEach(func(key, record []byte) error {
		v.summary.Refused++
		_, err := decodeRefused(key, record)
		return err
	})
}

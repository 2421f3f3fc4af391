package revlog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"syncabled/protocol"
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

// ErrBroken is wrapped by Verify's error for a file that does not hold together.
var ErrBroken = errors.New("database is broken")

// Verify checks the database in the file at path, which it does not change: the
// pages of the file, the checksum and place of every record, that the entries of
// each object form a chain, and that every object is what a replay of its
// entries gives. The error names the first broken thing.
func Verify(path string) (Summary, error) {
	v := verifier{overlay: newOverlay()}
	if err := checkFile(path, checkPages, v.run); err != nil {
		return Summary{}, fmt.Errorf("%s: %w", path, err)
	}
	return v.summary, nil
}

type verifier struct {
	tx      *bbolt.Tx
	view    *txView
	overlay overlay
	summary Summary
	resyncs int
}

func (v *verifier) run(tx *bbolt.Tx) error {
	v.tx, v.view = tx, newTxView(tx, &v.overlay)
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
	err = v.view.each(0, protocol.MaxRevision, func(e entry) error {
		switch {
		case e.revision != last+1 && !slices.Contains(gaps, gap{last, e.revision}):
			return fmt.Errorf("entry %d follows entry %d", e.revision, last)
		case e.change.Type < protocol.Create || e.change.Type > typeResync:
			return fmt.Errorf("entry %d: unknown type %d", e.revision, e.change.Type)
		case e.change.Type == typeResync:
			v.resyncs++
		}
		last = e.revision
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
	if err := replay(v.view, &v.overlay, folded); err != nil {
		return err
	}
	chained := 0
	err = v.view.eachObject("", v.overlay.after("", v.overlay.fresh.Len()), func(key []byte, obj *object) error {
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
	for _, run := range v.view.layers().runs {
		err := run.bucket.ForEach(func(key, record []byte) error {
			_, err := decodeObject(key, record)
			return err
		})
		if err != nil {
			return fmt.Errorf("run %d: %w", run.number, err)
		}
	}
	return nil
}

// object checks the chain of an object and what it adds up to. It returns the
// length of the chain.
func (v *verifier) object(name string, obj *object) (int, error) {
	table, rest := splitObjectKey(name)
	key := protocol.Key(rest)
	fail := func(format string, args ...any) (int, error) {
		return 0, fmt.Errorf("object %s of table %q: %w", key, table, fmt.Errorf(format, args...))
	}
	n, owner := 0, obj.owner
	for rev := obj.last; rev > 0; n++ {
		e, err := v.view.entry(rev)
		switch {
		case err != nil:
			return fail("%w", err)
		case e.change.Table != table || e.change.Key != key || e.change.Type == typeResync:
			return fail("entry %d is of another object", rev)
		case e.previous >= rev:
			return fail("entry %d follows entry %d", rev, e.previous)
		case owner != 0 && (e.client != owner || e.isMark()):
			return fail("entry %d is not of its owner, client %d", rev, owner)
		}
		rev = e.previous
	}
	net, _, err := effect(v.view, obj.last, 0, obj.last, nobody)
	if err != nil {
		return fail("%w", err)
	}
	if change, _ := net.Change(table, key); !bytes.Equal(change.Obj, obj.value) {
		return fail("it is not what its entries add up to")
	}
	return n, nil
}

func (v *verifier) clients() error {
	numbers := map[uint64]bool{}
	err := v.view.numbers.ForEach(func(identity, record []byte) error {
		c, err := decodeClient(string(identity), record)
		switch {
		case err != nil:
			return err
		case c.number == 0 || c.number > v.view.numbers.Sequence() || numbers[c.number]:
			return fmt.Errorf("client %q: number %d is out of range or not its own", identity, c.number)
		case c.base > v.summary.Head || c.resync.at > v.summary.Head:
			return fmt.Errorf("client %q: it is ahead of the log", identity)
		}
		numbers[c.number] = true
		v.summary.Clients++
		return nil
	})
	if last := v.view.numbers.Sequence(); err == nil && last != uint64(v.summary.Clients) {
		err = fmt.Errorf("%d clients were numbered, %d are there", last, v.summary.Clients)
	}
	return err
}

func (v *verifier) held() error {
	return v.tx.Bucket(bucketHeld).ForEach(func(key, record []byte) error {
		if len(key) != 16 || binary.BigEndian.Uint64(key) > v.view.numbers.Sequence() {
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

package revlog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"syncabled/protocol"
)

// Submit resolves a set against the log and commits what stands.
func (db *DB) Submit(ctx context.Context, set Set) (Receipt, error) {
	if db.isClosed() {
		return Receipt{}, db.whyClosed()
	}
	if set.Partial && !set.ReadOnly {
		if err := db.checkHeld(set); err != nil {
			return Receipt{}, err
		}
	}
	r := db.queue.newRequest(set)
	switch {
	case db.commitAlone(r):
	case !db.queue.push(r):
		return Receipt{}, db.whyClosed()
	case ctx.Done() == nil:
		<-r.done // waiting for one channel costs half as much
	default:
		select {
		case <-r.done:
		case <-ctx.Done():
			return Receipt{}, ctx.Err() // the request is still in the queue
		}
	}
	if r.err != nil {
		return Receipt{}, r.err
	}
	receipt := r.receipt
	db.queue.recycle(r)
	return receipt, nil
}

// commitAlone commits a set on the goroutine of its writer, if that seems to be the
// only one: to wake the commit loop, and to be woken by it, takes a tenth of the time
// of a commit. It reports whether it has. What is due behind the log it leaves to the
// loop.
func (db *DB) commitAlone(r *request) bool {
	if db.group.Load() > 1 || !db.turn.TryLock() {
		return false
	}
	defer db.turn.Unlock()
	err := guard(func() error {
		db.commit([]*request{r})
		<-r.done
		return nil
	})
	if err != nil {
		r.err = db.endFor(err)
		return true
	}
	db.group.Store(0)
	if db.isBehind() {
		db.queue.wake()
	}
	db.idle.Reset(idleTime)
	return true
}

// idleTime is how long the log has to be quiet before objects that are only in
// memory are written to the file, so that the next start has less to replay.
const idleTime = time.Second

// commitLoop commits whatever waits, group by group, and writes objects behind the
// log when memory is full or nothing else is to do.
func (db *DB) commitLoop() {
	defer close(db.done)
	defer db.finish()
	for {
		select {
		case <-db.queue.arrived:
			db.commitSome()
		case <-db.idle.C:
			db.tidy()
		case <-db.closed:
			return
		}
	}
}

// commitSome commits a group of what waits, and writes what is due behind it.
func (db *DB) commitSome() {
	db.turn.Lock()
	defer db.turn.Unlock()
	db.queue.gather(int(db.group.Load()))
	group := db.queue.take()
	db.commit(group)
	db.group.Store(int64(len(group)))
	if db.queue.len() > 0 {
		db.queue.wake()
	}
	db.storeBehind()
	db.readKeys()
	db.idle.Reset(idleTime)
}

// tidy writes some of what is only in memory when nothing else is to do.
func (db *DB) tidy() {
	db.turn.Lock()
	defer db.turn.Unlock()
	if db.storeSome() || db.mergeSome() {
		db.idle.Reset(0)
	}
}

// finishTime is how long a log that is closed goes on writing what is only in memory. A
// server that ends is not waited for any longer than that; the next start replays the
// rest.
const finishTime = time.Second

// finish answers what waits, writes what is only in memory to the file, unless
// the log has ended itself or it takes too long, and closes the file.
func (db *DB) finish() {
	db.turn.Lock() // for good
	db.idle.Stop()
	db.queue.close()
	for db.queue.len() > 0 {
		db.commit(db.queue.take())
	}
	for begun := time.Now(); time.Since(begun) < finishTime && db.storeSome(); {
	}
	db.closeErr = errors.Join(db.fault, db.closeFile())
}

// commit folds a group of sets into the log in one transaction and answers all
// of them.
func (db *DB) commit(group []*request) {
	if len(group) == 0 {
		return
	}
	started := time.Now()
	f, err := db.store(group)
	defer f.reset()
	db.observe(group, f, started, err)
	switch {
	case err == nil:
		db.publish(f)
	case len(group) > 1 && db.fault == nil: // one set may be to blame; the others need not suffer
		for i := range group {
			db.commit(group[i : i+1])
		}
		return
	default:
		err = fmt.Errorf("commit: %w", err)
	}
	for _, r := range group {
		r.answer(err)
	}
}

// errNothing rolls back a transaction that would write nothing, and saves its fsync.
var errNothing = errors.New("nothing to store")

func (db *DB) store(group []*request) (*fold, error) {
	f := db.fold
	err := db.update(func(tx *bbolt.Tx) (err error) {
		if err = f.begin(db.view(tx)); err != nil {
			return err
		}
		f.objectBytes = db.options.ObjectBytes
		f.entries = slices.Grow(f.entries, changesOf(group))
		for _, r := range group {
			if r.receipt, err = f.apply(r.set); err != nil {
				return err
			}
		}
		if f.empty() {
			return errNothing
		}
		if len(f.entries) > 0 {
			if err := storePresent(tx, db.present+f.appeared); err != nil {
				return err
			}
		}
		defer db.records.reset()
		return f.store(tx, &db.records)
	})
	if errors.Is(err, errNothing) {
		err = nil
	}
	return f, err
}

// store writes what a fold adds to its view, but for the objects.
func (f *fold) store(tx *bbolt.Tx, records *records) error {
	entries := tx.Bucket(bucketEntries)
	entries.FillPercent = 1 // they are only ever appended
	for _, e := range f.entries {
		if err := putRecord(records, entries, revisionKey(e.revision), e); err != nil {
			return err
		}
	}
	clients := tx.Bucket(bucketClients)
	for _, identity := range f.seen {
		if err := storeClient(clients, identity, f.changed[identity]); err != nil {
			return err
		}
	}
	if clients.Sequence() != f.last {
		if err := clients.SetSequence(f.last); err != nil {
			return err
		}
	}
	for client, h := range f.parts {
		if err := h.store(tx.Bucket(bucketHeld), client); err != nil {
			return err
		}
	}
	for _, r := range f.refused {
		if err := storeRefused(tx.Bucket(bucketRefused), r); err != nil {
			return err
		}
	}
	return nil
}

// storeClient writes a client, or deletes an identity that stands for none any more.
func storeClient(bucket *bbolt.Bucket, identity string, c client) error {
	if c.number == nobody {
		return bucket.Delete([]byte(identity))
	}
	return put(bucket, []byte(identity), c.encode())
}

// storeRefused keeps a change that was refused, and drops the oldest one of too many.
func storeRefused(bucket *bbolt.Bucket, r refused) error {
	number, err := bucket.NextSequence()
	if err != nil {
		return err
	}
	if err := put(bucket, revisionKey(protocol.Revision(number)), r.encode()); err != nil {
		return err
	}
	if number <= mostRefused {
		return nil
	}
	return bucket.Delete(revisionKey(protocol.Revision(number - mostRefused)))
}

// store writes the messages of a set that is still open, and deletes those of
// one that is complete.
func (h *held) store(bucket *bbolt.Bucket, client uint64) error {
	first := h.stored
	if h.drop {
		for place := range h.stored {
			if err := bucket.Delete(heldKey(client, place)); err != nil {
				return err
			}
		}
		first = 0
	}
	for i, p := range h.added {
		record := p.encode()
		if err := put(bucket, heldKey(client, first+i), record); err != nil {
			return err
		}
		h.bytes += len(record)
	}
	return nil
}

// publish makes a committed fold visible to readers and wakes those that wait.
func (db *DB) publish(f *fold) {
	for key := range f.objects {
		db.keys.add([]byte(key))
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	db.held.note(f)
	for identity, c := range f.changed {
		db.noteClient(identity, c)
	}
	if len(f.entries) == 0 {
		return
	}
	for key, obj := range f.objects {
		db.overlay.set(key, obj)
	}
	db.tail.add(f.entries)
	db.head = f.head()
	db.present += f.appeared
	close(db.moved)
	db.moved = make(chan struct{})
}

package boltlog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/fold"
)

// A store is what a log has: its file, and the parts of it that are kept in memory.
type store struct {
	// Static after openStore.
	file    *file
	objects *objects
	options Options
	id      uuid.UUID
	gaps    []gap

	// Owned by the committer: of the group at hand.
	fold     *fold.Fold
	receipts []revlog.Receipt
	heldCost map[uint64]int // of held parts that were written, by client

	// Guarded by mu; changed by the committer only, but for the ages of what is held.
	mu      sync.RWMutex
	head    protocol.Revision
	moved   chan struct{} // closed when head moves
	tail    tail
	clients map[string]fold.Client // that were looked up or changed since openStore, but for readers; zero if renamed
	names   map[uint64]string      // their identities, by number
	held    heldSets
}

func openStore(path string, options Options) (*store, error) {
	file, err := openFile(path, &options)
	if err != nil {
		return nil, err
	}
	s := &store{
		file:     file,
		options:  options,
		fold:     fold.New(),
		heldCost: map[uint64]int{},
		moved:    make(chan struct{}),
		tail:     tail{max: options.bounds.tailEntries},
		clients:  map[string]fold.Client{},
		names:    map[uint64]string{},
	}
	if err := file.view(s.load); err != nil {
		if errors.Is(err, errCorrupt) || errors.Is(err, errPanic) {
			err = fmt.Errorf("%w: %w", ErrBroken, err)
		}
		return nil, errors.Join(err, file.close())
	}
	return s, nil
}

// load reads what is kept in memory.
func (s *store) load(tx *bbolt.Tx) error {
	meta := tx.Bucket(bucketMeta)
	id, err := getMeta(meta, metaID)
	if err != nil {
		return err
	}
	if s.id, err = uuid.FromBytes(id); err != nil {
		return fmt.Errorf("database id: %w", err)
	}
	if s.gaps, err = gapsOf(meta); err != nil {
		return err
	}
	if s.held, err = heldSetsOf(tx.Bucket(bucketHeld)); err != nil {
		return err
	}
	v := newView(tx)
	if s.head, err = v.Head(); err != nil {
		return err
	}
	s.objects, err = loadObjects(v, s.file, &s.options, s.head)
	return err
}

// errNothing rolls back a transaction that would write nothing, and saves its fsync.
var errNothing = errors.New("nothing to store")

// apply resolves a group of commands and commits what they add in one transaction, or the
// first of them if they take long: there are as many receipts. After an error it has done
// nothing, or the log has ended. The receipts are valid until the next call. Only the
// committer may call it.
func (s *store) apply(group []revlog.Command) ([]revlog.Receipt, error) {
	started := time.Now()
	defer s.fold.Reset()
	clear(s.heldCost)
	err := s.file.update(func(tx *bbolt.Tx) error {
		if err := s.resolve(tx, group, started); err != nil {
			return err
		}
		result := s.fold.Result()
		if result.IsEmpty() {
			return errNothing
		}
		return s.write(tx, &result)
	})
	if errors.Is(err, errNothing) {
		err = nil
	}
	result := s.fold.Result()
	if err == nil {
		group = group[:len(s.receipts)]
	}
	s.observe(len(group), &result, started, err)
	if err != nil {
		return nil, err
	}
	s.publish(&result)
	return s.receipts, nil
}

// resolve folds a group of commands into what is committed, and makes their receipts. It
// leaves the rest when the time of a group is over.
func (s *store) resolve(tx *bbolt.Tx, group []revlog.Command, started time.Time) error {
	s.receipts = s.receipts[:0]
	if err := s.fold.Begin(s.committed(tx)); err != nil {
		return err
	}
	for i, c := range group {
		if i > 0 && time.Since(started) > s.options.bounds.groupTime {
			break
		}
		receipt, err := s.fold.Apply(c)
		if err != nil {
			return err
		}
		s.receipts = append(s.receipts, receipt)
	}
	return nil
}

// A committed is the state that a fold builds on: a view, with what the store has in
// memory in front of it.
type committed struct {
	*txView
	store *store
}

var _ fold.View = committed{}

// committed returns the state as of a transaction of the committer.
func (s *store) committed(tx *bbolt.Tx) committed { return committed{newView(tx), s} }

// Object returns an object, the zero Object if there is none.
func (c committed) Object(key string) (fold.Object, error) {
	return c.store.objects.get(c.txView, key)
}

// Client returns a client, the zero Client if it is unknown.
func (c committed) Client(identity string) (fold.Client, error) {
	if known, ok := c.store.clients[identity]; ok {
		return known, nil
	}
	found, err := c.txView.Client(identity)
	if err == nil && found.Number != fold.Nobody {
		c.store.cacheClient(identity, found)
	}
	return found, err
}

// HeldCount returns how many messages are held of a client's set.
func (c committed) HeldCount(client uint64) (int, error) {
	if !c.store.holds(client) {
		return 0, nil
	}
	return c.txView.HeldCount(client)
}

// write writes what a fold adds to the log, but for the objects.
func (s *store) write(tx *bbolt.Tx, r *fold.Result) error {
	entries := tx.Bucket(bucketEntries)
	entries.FillPercent = 1 // they are only ever appended
	for _, e := range r.Entries {
		if err := putRecord(&s.file.records, entries, revisionKey(e.Revision), e, appendEntry); err != nil {
			return err
		}
	}
	if len(r.Entries) > 0 {
		if err := putPresent(entries, s.objects.present+r.Appeared); err != nil {
			return err
		}
	}
	clients := tx.Bucket(bucketClients)
	for _, identity := range r.Identities {
		if err := putClient(clients, identity, r.Clients[identity]); err != nil {
			return err
		}
	}
	if clients.Sequence() != r.LastClient {
		if err := clients.SetSequence(r.LastClient); err != nil {
			return err
		}
	}
	for client, h := range r.Held {
		cost, err := putHeld(tx.Bucket(bucketHeld), client, h)
		if err != nil {
			return err
		}
		s.heldCost[client] = cost
	}
	for _, refused := range r.Refused {
		if err := putRefused(tx.Bucket(bucketRefused), refused); err != nil {
			return err
		}
	}
	return nil
}

// putClient writes a client, or deletes an identity that stands for none any more.
func putClient(bucket *bbolt.Bucket, identity string, c fold.Client) error {
	if c.Number == fold.Nobody {
		return bucket.Delete([]byte(identity))
	}
	return put(bucket, []byte(identity), encodeClient(c))
}

// maxRefused is how many of the changes that were refused are kept.
const maxRefused = 1000

// putRefused keeps a change that was refused, and drops the oldest one of too many.
func putRefused(bucket *bbolt.Bucket, r revlog.Refused) error {
	number, err := bucket.NextSequence()
	if err != nil {
		return err
	}
	if err := put(bucket, revisionKey(protocol.Revision(number)), encodeRefused(r)); err != nil {
		return err
	}
	if number <= maxRefused {
		return nil
	}
	return bucket.Delete(revisionKey(protocol.Revision(number - maxRefused)))
}

// publish makes what was written visible to readers, and wakes those that wait.
func (s *store) publish(r *fold.Result) {
	if len(r.Entries) > 0 {
		s.objects.put(r.Objects, r.Head(), r.Appeared)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held.note(r, s.heldCost)
	for identity, c := range r.Clients {
		if _, cached := s.clients[identity]; cached || !isReader(c) {
			s.noteClient(identity, c)
		}
	}
	if len(r.Entries) == 0 {
		return
	}
	s.tail.add(r.Entries)
	s.head = r.Head()
	close(s.moved)
	s.moved = make(chan struct{})
}

// observe calls Options.Observe. A group that had nothing to store is not reported.
func (s *store) observe(commands int, r *fold.Result, started time.Time, err error) {
	if s.options.Observe == nil || err == nil && r.IsEmpty() {
		return
	}
	c := revlog.Commit{Commands: commands, Duration: time.Since(started), Err: err}
	if err == nil {
		c.Entries, c.Outcome = len(r.Entries), r.Outcome
	}
	s.options.Observe(c)
}

// isReader reports whether a client has no entries: it has named tables and nothing else.
// There may be many of them, and they are looked up when they connect at most.
func isReader(c fold.Client) bool {
	return c.Number != fold.Nobody && c.Hour == 0 && c.Tables.Latest() == 0
}

// cacheClient keeps in memory what the file has of a client.
func (s *store) cacheClient(identity string, c fold.Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noteClient(identity, c)
}

// noteClient keeps a client in memory. The caller holds mu.
func (s *store) noteClient(identity string, c fold.Client) {
	s.clients[identity] = c
	if c.Number != fold.Nobody {
		s.names[c.Number] = identity
	}
}

// Knows returns what the log knows of a client.
func (s *store) Knows(_ context.Context, identity string) (a revlog.Acquaintance, err error) {
	err = s.file.view(func(tx *bbolt.Tx) error {
		c, err := newView(tx).Client(identity)
		a = revlog.Acquaintance{Known: c.Hour > 0, Confirmed: c.Confirmed, Strayed: c.Strayed}
		return err
	})
	return a, err
}

// Tables returns the tables that a client had when it subscribed last.
func (s *store) Tables(_ context.Context, identity string) (revlog.Tables, error) {
	if s.file.hasEnded() {
		return revlog.Tables{}, s.file.whyEnded()
	}
	c, err := s.client(identity)
	return c.Tables, err
}

// client returns a client as it is in memory, or else in the file; the zero Client if it
// is unknown.
func (s *store) client(identity string) (fold.Client, error) {
	s.mu.RLock()
	c, cached := s.clients[identity]
	s.mu.RUnlock()
	if cached {
		return c, nil
	}
	err := s.file.view(func(tx *bbolt.Tx) (err error) {
		c, err = newView(tx).Client(identity)
		return err
	})
	return c, err
}

// Status returns how the database is doing. What it costs does not depend on how
// large the database is.
func (s *store) Status() (revlog.Status, error) {
	info, err := os.Stat(s.file.path)
	if err != nil {
		return revlog.Status{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return revlog.Status{Head: s.head, Objects: s.objects.count(), Held: s.held.total, Size: info.Size()}, nil
}

// Refused returns the last changes that were refused, oldest first.
func (s *store) Refused() ([]revlog.Refused, error) {
	var all []revlog.Refused
	err := s.file.view(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketRefused).ForEach(func(key, record []byte) error {
			r, err := decodeRefused(key, record)
			all = append(all, r)
			return err
		})
	})
	return all, err
}

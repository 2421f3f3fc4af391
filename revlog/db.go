package revlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"

	"syncabled/protocol"
)

// ErrLocked is wrapped by Open's error for a file that another process has open.
var ErrLocked = errors.New("in use by another process")

// Options tune a DB. The zero value is for production.
type Options struct {
	// MemoryBytes bounds, roughly, the objects that are kept in memory until
	// they are written to the file. They may take twice as much while they
	// are being written. Default 32 MiB.
	MemoryBytes int

	// HeldBytesPerClient bounds what is held of one client's set until the rest
	// has come, which is all in memory when it is committed. Default 256 MiB.
	HeldBytesPerClient int

	// HeldBytes bounds what is held of the sets of all clients. Default 4 GiB.
	HeldBytes int

	// ObjectBytes bounds the size of an object that updates make larger and
	// larger. An update that goes beyond it is refused. Default 16 MiB.
	ObjectBytes int

	// Databases bounds how many databases a [Dir] makes. Default 10,000.
	Databases int

	// FreeBytes is how much of the disk has to be free for [Dir.CheckSpace].
	// Default 64 MiB.
	FreeBytes int

	// Observe, if set, is called for every group of sets that was committed, or
	// failed, before the sets are answered. It must not block, and is called for
	// several databases at once.
	Observe func(Commit)

	bounds  bounds
	opened  func(*bbolt.DB) // if it is set, called by Open before anything is written
	givenUp func(error)     // if it is set, called when the log is given up, even by Open
}

func (o Options) withDefaults() Options {
	o.MemoryBytes = cmp.Or(o.MemoryBytes, 32<<20)
	o.HeldBytesPerClient = cmp.Or(o.HeldBytesPerClient, 256<<20)
	o.HeldBytes = cmp.Or(o.HeldBytes, 4<<30)
	o.ObjectBytes = cmp.Or(o.ObjectBytes, 16<<20)
	o.Databases = cmp.Or(o.Databases, 10_000)
	o.FreeBytes = cmp.Or(o.FreeBytes, 64<<20)
	o.bounds = o.bounds.withDefaults()
	return o
}

// bounds say how much is done, or kept in memory, at a time. Tests make them
// small, so that a short history meets all of them.
type bounds struct {
	storeBatch   int // objects that are written to random pages in one transaction
	direct       int // a batch goes to no run if the database has at most so many times its objects
	mergeAt      int // runs are merged when the database has at most so many times their objects,
	mostRuns     int // or when so many count
	objectsChunk int // objects that are read in one transaction
	tailEntries  int // entries in the tail
	mapBytes     int // of the file that are mapped at least
}

func (b bounds) withDefaults() bounds {
	return bounds{
		// In key order, neighbours share pages; more at once would keep writers
		// waiting.
		storeBatch: cmp.Or(b.storeBatch, 512),
		// With ten objects on a page, two or three of a batch, or of the runs, share one.
		direct:       cmp.Or(b.direct, 4),
		mergeAt:      cmp.Or(b.mergeAt, 3),
		mostRuns:     cmp.Or(b.mostRuns, 64),
		objectsChunk: cmp.Or(b.objectsChunk, 4096),
		tailEntries:  cmp.Or(b.tailEntries, 4096),
		// A larger map has to wait for all readers when it grows, and commits
		// wait for it. Address space costs nothing.
		mapBytes: cmp.Or(b.mapBytes, 1<<30),
	}
}

// A DB is a Log in one bbolt file.
type DB struct {
	// Static after Open.
	path    string
	bolt    *bbolt.DB
	id      uuid.UUID
	gaps    []gap
	options Options
	queue   *queue
	closed  chan struct{} // closed by Close, or when the log ends itself
	done    chan struct{} // closed when all is written and the file is closed
	idle    *time.Timer   // goes off when the log was quiet for a while
	endOnce sync.Once
	givenUp surrender

	// Owned by the committer: the commit loop, or a lone writer, whoever has the turn.
	turn     sync.Mutex
	keys     keyFilter
	runs     runs
	fold     *fold // of the commit under way; empty between commits
	records  records
	fault    error // why the log ended itself
	closeErr error // final when done is closed

	group atomic.Int64 // sets that waited for the last commit

	// Guarded by mu; changed by the committer only.
	mu      sync.RWMutex
	head    protocol.Revision
	present int           // objects that are there
	moved   chan struct{} // closed when head moves
	overlay overlay
	tail    tail
	clients map[string]client // that wrote since Open; zero if renamed
	names   map[uint64]string // their identities, by number
	held    heldSets
}

var _ Log = (*DB)(nil)

// Open opens the database in the file at path, and makes it if there is none.
// Files of other programs and formats are left untouched.
func Open(path string, options Options) (*DB, error) {
	db, err := open(path, options)
	if err != nil {
		return nil, err
	}
	go db.commitLoop()
	return db, nil
}

// open is Open without the commit loop.
func open(path string, options Options) (*DB, error) {
	options = options.withDefaults()
	bolt, err := openFile(path, options)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db := &DB{
		path:    path,
		bolt:    bolt,
		options: options,
		queue:   newQueue(),
		fold:    newFold(),
		closed:  make(chan struct{}),
		done:    make(chan struct{}),
		givenUp: surrender{done: make(chan struct{})},
		idle:    time.NewTimer(idleTime),
		moved:   make(chan struct{}),
		overlay: newOverlay(),
		tail:    tail{most: options.bounds.tailEntries},
		clients: map[string]client{},
		names:   map[uint64]string{},
	}
	if err := db.look(db.load); err != nil {
		if errors.Is(err, errCorrupt) || errors.Is(err, errPanic) {
			err = fmt.Errorf("%w: %w", ErrBroken, err)
		}
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), db.closeFile())
	}
	return db, nil
}

// openFile opens a file that is ours, or a new one. Any other it does not touch.
func openFile(path string, options Options) (*bbolt.DB, error) {
	_, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		err = create(path)
	case err == nil:
		err = checkFile(path, checkUpper, func(*bbolt.Tx) error { return nil })
	}
	if err != nil {
		return nil, err
	}
	var bolt *bbolt.DB
	panicked := guard(func() error {
		bolt, err = openForUse(path, options)
		return nil
	})
	if panicked != nil {
		return nil, options.giveUp(panicked) // what was opened of it stays open
	}
	return bolt, err
}

func openForUse(path string, options Options) (*bbolt.DB, error) {
	forUse := boltOptions()
	if runtime.GOOS != "windows" { // where mapping more than the file holds makes it grow
		forUse.InitialMmapSize = options.bounds.mapBytes
	}
	bolt, err := bbolt.Open(path, 0o600, forUse)
	if err != nil {
		return nil, explain(err)
	}
	if options.opened != nil {
		options.opened(bolt)
	}
	if err = settle(bolt); err == nil {
		err = upgrade(bolt)
	}
	if err != nil {
		return nil, errors.Join(explain(err), bolt.Close())
	}
	return bolt, nil
}

// load reads what is kept in memory, and replays entries that are not folded into
// objects.
func (db *DB) load(tx *bbolt.Tx) error {
	meta := tx.Bucket(bucketMeta)
	id, err := getMeta(meta, metaID)
	if err != nil {
		return err
	}
	if db.id, err = uuid.FromBytes(id); err != nil {
		return fmt.Errorf("database id: %w", err)
	}
	if db.gaps, err = gapsOf(meta); err != nil {
		return err
	}
	folded, err := foldedOf(meta)
	if err != nil {
		return err
	}
	if db.held, err = heldSetsOf(tx.Bucket(bucketHeld)); err != nil {
		return err
	}
	v := newTxView(tx, &db.overlay)
	if db.head, err = v.head(); err != nil {
		return err
	}
	if err := replay(v, &db.overlay, folded); err != nil {
		return err
	}
	db.runs = runsOf(tx)
	first, _ := v.layers().objects.Cursor().First()
	db.keys.whole = first == nil && db.runs.count() == 0
	db.overlay.fresh.Scan(func(key string, _ object) bool {
		db.keys.add([]byte(key))
		return true
	})
	db.present, err = loadPresent(v)
	return err
}

// Head returns the revision of the last entry.
func (db *DB) Head() protocol.Revision {
	db.mu.RLock()
	defer db.mu.RUnlock()
	return db.head
}

// Knows reports whether a client has ever submitted a change.
func (db *DB) Knows(_ context.Context, identity string) (bool, error) {
	known := false
	err := db.look(func(tx *bbolt.Tx) error {
		c, err := newTxView(tx, nil).client(identity)
		known = c.number != nobody
		return err
	})
	return known, err
}

// ID returns the UUID that the database was made with.
func (db *DB) ID() uuid.UUID { return db.id }

// Wait returns the head when the log has moved past rev.
func (db *DB) Wait(ctx context.Context, rev protocol.Revision) (protocol.Revision, error) {
	for {
		db.mu.RLock()
		head, moved := db.head, db.moved
		db.mu.RUnlock()
		switch {
		case db.isClosed():
			return head, db.whyClosed()
		case head > rev:
			return head, nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return head, ctx.Err()
		case <-db.closed:
			return head, db.whyClosed()
		}
	}
}

func (db *DB) isClosed() bool {
	select {
	case <-db.closed:
		return true
	default:
		return false
	}
}

// whyClosed returns the error of calls to a log that is closed.
func (db *DB) whyClosed() error { return cmp.Or(db.givenUp.cause(), ErrClosed) }

// Close waits for the commit under way, writes what is only in memory to the file, if
// that does not take long, and closes it. It returns the error that the log ended
// itself for, if it did.
func (db *DB) Close() error {
	db.end()
	select {
	case <-db.done:
		return db.closeErr
	case <-db.givenUp.done:
		return db.givenUp.err
	}
}

// closeFile closes the file, unless the log was given up: then bbolt would not return.
func (db *DB) closeFile() error {
	if db.givenUp.cause() != nil {
		return nil
	}
	return db.bolt.Close()
}

// end has the commit loop end.
func (db *DB) end() {
	db.endOnce.Do(func() { close(db.closed) })
}

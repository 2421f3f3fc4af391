package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"syncabled/protocol"
	"syncabled/revlog"
)

// databases are the logs that sessions share: opened for the first one that
// asks, closed when the last one has been gone for a while.
type databases struct {
	open   func(name string) (revlog.Log, error)
	idle   time.Duration
	expiry time.Duration // of what is held
	limits revlog.Limits // of that
	logger zerolog.Logger
	now    func() time.Time // the time of day
	failed *onceLog         // held sets that could not be finished
	share  room             // most that a message may hold that is for several clients

	endSessions func(*database) // whose log was given up

	mu     sync.Mutex
	byName map[string]*database
	ending bool // they are closed for good
}

// A database is one of them. It stays listed when it is closed, but not when its
// log has ended itself: the sessions that have it learn that from their next call,
// and the next one that comes gets another, with the log opened again.
type database struct {
	name string

	opening turn       // held while the log is opened or closed
	log     revlog.Log // nil while it is closed
	ended   bool       // it is closed for good, and log is still there; guarded by opening

	publisher *publisher    // of the log
	watched   chan struct{} // closed when nobody watches the log any more
	lost      chan struct{} // closed when the log was given up

	// Guarded by peersMu.
	peersMu sync.Mutex
	peers   map[string]*peer  // those seen since the log was opened, by identity
	sentAll protocol.Revision // what others were sent ends here, or before

	// Guarded by databases.mu.
	sessions int
	closing  *time.Timer // set while there are no sessions
}

func newDatabases(config *Config) *databases {
	return &databases{
		open:   config.Open,
		idle:   config.IdleTimeout,
		expiry: config.HeldExpiry,
		limits: config.setLimits(),
		logger: config.Logger,
		now:    config.Now,
		failed: newOnceLog(),
		share:  room{config.PageChanges, min(config.PageBytes, sharedBytes)},
		byName: map[string]*database{},
	}
}

// acquire returns an open database. It is to be released.
func (d *databases) acquire(name string) (*database, error) {
	db := d.enter(name)
	if err := db.lock(); err != nil {
		d.giveUp(db)
		return nil, err
	}
	defer db.opening.Unlock()
	if d.isEnding() {
		d.giveUp(db)
		return nil, restarting
	}
	if db.log != nil && hasEnded(db.log) {
		defer d.release(db)
		if err := d.retire(db); err != nil {
			return nil, fmt.Errorf("database %s: %w", name, err)
		}
		return d.acquire(name)
	}
	if db.log != nil {
		return db, nil
	}
	if err := d.openLog(db); err != nil {
		d.giveUp(db)
		return nil, fmt.Errorf("database %s: %w", name, err)
	}
	return db, nil
}

// openLog opens the log. The caller holds db.opening.
func (d *databases) openLog(db *database) error {
	log, err := d.open(db.name)
	if err != nil {
		return err
	}
	d.finishHeld(context.Background(), db.name, log)
	head, err := log.Head()
	if err != nil {
		return errors.Join(err, log.Close())
	}
	db.log, db.sentAll, db.peers = log, head, map[string]*peer{}
	db.publisher, db.watched = d.startPublisher(db, head), make(chan struct{})
	ended, watched := db.publisher.done, db.watched
	go func() { // awaitEnd waits for it
		defer close(watched)
		d.watch(db, log, ended)
	}()
	return nil
}

// hasEnded reports whether a log has ended itself.
func hasEnded(log revlog.Log) bool {
	_, err := log.Head()
	return errors.Is(err, revlog.ErrClosed)
}

// retire takes a database whose log has ended itself off the list. Its file is free
// to be opened again when retire returns, unless the log was given up, which is the
// error. The caller holds db.opening.
func (d *databases) retire(db *database) error {
	err := db.log.Close()
	if errors.Is(err, revlog.ErrGivenUp) {
		return err
	}
	db.awaitEnd()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.byName[db.name] == db { // nobody else has
		delete(d.byName, db.name)
		d.logger.Error().Err(err).Str("database", db.name).Msg("log has ended itself; it is opened again")
	}
	return nil
}

func (d *databases) enter(name string) *database {
	d.mu.Lock()
	defer d.mu.Unlock()
	db := d.byName[name]
	if db == nil {
		db = &database{name: name, opening: newTurn(), lost: make(chan struct{})}
		d.byName[name] = db
	}
	if db.closing != nil {
		db.closing.Stop()
		db.closing = nil
	}
	db.sessions++
	return db
}

func (d *databases) release(db *database) {
	d.mu.Lock()
	defer d.mu.Unlock()
	db.sessions--
	if db.sessions == 0 && !d.ending {
		db.closing = time.AfterFunc(d.idle, func() { d.closeIdle(db) })
	}
}

// giveUp releases a database that could not be opened. It need not stay listed.
func (d *databases) giveUp(db *database) {
	d.mu.Lock()
	defer d.mu.Unlock()
	db.sessions--
	if db.sessions == 0 && d.byName[db.name] == db {
		delete(d.byName, db.name)
	}
}

func (d *databases) closeIdle(db *database) {
	if db.lock() != nil {
		return
	}
	defer db.opening.Unlock()
	if !d.unused(db) {
		return
	}
	if err := db.close(); err != nil {
		d.logger.Error().Err(err).Str("database", db.name).Msg("close idle database")
	}
}

func (d *databases) unused(db *database) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return db.sessions == 0 && !d.ending
}

// close closes the log, if it is open. The caller holds db.opening.
func (db *database) close() error {
	if db.log == nil {
		return nil
	}
	log := db.log
	db.log, db.peers = nil, nil
	err := log.Close()
	db.awaitEnd()
	return err
}

// listed returns the databases that are, or were, open.
func (d *databases) listed() []*database {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Collect(maps.Values(d.byName))
}

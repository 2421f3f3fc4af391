package server

import (
	"fmt"
	"sync"

	"github.com/coder/websocket"

	"syncabled/revlog"
)

// This file is about logs that are given up (see [revlog.ErrGivenUp]). Whoever was
// reading or writing the file of one at that moment may never return. So its sessions
// are closed from here, and nobody waits for what they do.

// stays is how sessions of a database end whose log was given up.
var stays = closing{code: websocket.StatusInternalError,
	reason: "the database has failed and stays closed until the server is restarted; the server's log says why"}

// watch waits until the log of a database is given up, or has ended.
func (d *databases) watch(db *database, log revlog.Log, ended <-chan struct{}) {
	surrendering, ok := log.(revlog.Surrenderer)
	if !ok {
		return
	}
	select {
	case <-surrendering.GivenUp():
	case <-ended:
		select {
		case <-surrendering.GivenUp():
		default:
			return
		}
	}
	d.abandon(db, log)
}

// abandon takes a database off the list, and ends its sessions.
func (d *databases) abandon(db *database, log revlog.Log) {
	d.mu.Lock()
	if d.byName[db.name] == db {
		delete(d.byName, db.name)
	}
	d.mu.Unlock()
	close(db.lost)
	d.logger.Error().Err(log.Close()).Str("database", db.name).Msg("database has failed; it stays closed until the server is restarted")
	d.endSessions(db)
}

// endSessions closes the sessions of a database whose log was given up, and takes them
// off the list: one that reads or writes the file may never do so itself, and the
// server could not end. Those that have no database yet find out by themselves.
func (s *Server) endSessions(db *database) {
	s.mu.Lock()
	var open []*session
	for session := range s.sessions {
		if session.introduced.Load() != nil && session.db == db {
			open = append(open, session)
		}
	}
	s.mu.Unlock()
	var closing sync.WaitGroup
	for _, session := range open {
		closing.Go(func() {
			session.close(stays)
			s.leave(session)
		})
	}
	closing.Wait()
}

// lock takes the database for opening or closing its log.
func (db *database) lock() error {
	select {
	case db.opening <- struct{}{}:
		return nil
	case <-db.lost:
		return fmt.Errorf("database %s: %w", db.name, revlog.ErrGivenUp)
	}
}

// awaitEnd waits for those that follow a log that has been closed, unless it was
// given up.
func (db *database) awaitEnd() {
	for _, done := range []<-chan struct{}{db.publisher.done, db.watched} {
		select {
		case <-done:
		case <-db.lost:
			return
		}
	}
}

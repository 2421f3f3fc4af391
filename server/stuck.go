package server

import (
	"maps"
	"sync"
	"time"

	"syncabled/protocol"
)

// A stuckLog finds clients that do not apply what they are sent. Dexie.Syncable drops a
// batch that it cannot apply, because of a change of a table that the app does not
// have, or one that violates a unique index. It stays at its position, gets the same
// batch when it connects again, and says nothing.
type stuckLog struct {
	mu      sync.Mutex
	clients map[clientName]deadlock // that were sent something lately
	tidied  time.Time               // when old ones were forgotten
}

// A deadlock is how often a client was sent the same.
type deadlock struct {
	position protocol.Revision // where it stays
	times    int               // that it was sent what comes after that, since
	since    time.Time
}

// A client that was sent what comes after its position for the stuckTimes-th time
// within stuckTime, and has not sent a set meanwhile, is stuck there. A line that
// breaks once in a while does not have it stay so long.
const (
	stuckTimes = 5
	stuckTime  = 10 * time.Minute
)

// mostWatched is how many clients are known of that were sent something lately. If
// there are more, some are not watched.
const mostWatched = 10_000

// tidyInterval is the least time between two looks at all clients.
const tidyInterval = time.Minute

func newStuckLog() *stuckLog { return &stuckLog{clients: map[clientName]deadlock{}} }

// sent notes that a client was sent what comes after a position, and reports whether
// that is one time too many.
func (l *stuckLog) sent(name clientName, position protocol.Revision) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	d, known := l.clients[name]
	if !known && !l.hasRoom() {
		return false
	}
	if d.position != position || d.isOver() {
		d = deadlock{position: position, since: time.Now()}
	}
	d.times++
	l.clients[name] = d
	return d.times == stuckTimes
}

func (d deadlock) isOver() bool { return time.Since(d.since) > stuckTime }

// hasRoom reports whether one more client can be watched, and forgets old ones if
// that takes it.
func (l *stuckLog) hasRoom() bool {
	if len(l.clients) == mostWatched && time.Since(l.tidied) > tidyInterval {
		l.tidied = time.Now()
		maps.DeleteFunc(l.clients, func(_ clientName, d deadlock) bool { return d.isOver() })
	}
	return len(l.clients) < mostWatched
}

// forget notes that a client is not stuck.
func (l *stuckLog) forget(name clientName) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.clients, name)
}

// goesOn notes that the client has sent a set with changes. To do so once for each
// connection is enough.
func (s *session) goesOn() {
	if !s.wentOn {
		s.wentOn = true
		s.server.stuck.forget(clientName{s.db.name, s.identity})
	}
}

// delivered notes that the client was sent, whole, the batch after the position that
// it had subscribed from, and that there was something in it.
func (s *session) delivered(position protocol.Revision) {
	if !s.server.stuck.sent(clientName{s.db.name, s.identity}, position) {
		return
	}
	s.server.counts.stuck.Add(1)
	if s.server.warnings.allow("stuck " + s.db.name + " " + s.identity) {
		s.logger().Warn().Str("client", s.identity).Uint64("position", uint64(position)).
			Msg("a client does not apply what it is sent: its app lacks a table of the database, or an object violates a unique index; " +
				"see 'Another version of the schema' and 'Unique indexes' in docs/apps.md")
	}
}

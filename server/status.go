package server

import (
	"cmp"
	"slices"
	"sync/atomic"
	"time"

	"syncabled/protocol"
	"syncabled/revlog"
)

// A Status says what a server is doing.
type Status struct {
	Databases []DatabaseStatus // those that are open, by name
	Sessions  []SessionStatus  // oldest first
	Ahead     map[string]int   // clients that have seen more than their database has, by its name; those of closed ones too
}

// A DatabaseStatus says how an open database is doing.
type DatabaseStatus struct {
	Name     string
	Sessions int
	Log      revlog.Status // zero if the log does not say
}

// A SessionStatus says how a session is doing.
type SessionStatus struct {
	ID       string
	Subject  string // whom it belongs to, "" for anybody
	Client   string // its identity, "" until it has said, or got, one
	Database string // "" until it is open
	Remote   string // where it comes from: host and port
	Since    time.Time
	ReadOnly bool // its changes are not accepted

	// Of a session that is sent what others change. To one that has not
	// subscribed, or is muted, nothing is sent.
	Subscribed bool
	Position   protocol.Revision // up to which it was sent everything
	Lag        protocol.Revision // revisions between there and the head
	Behind     time.Duration     // for which there has been something to send
}

// Status returns what the server is doing. It costs the sessions next to nothing.
func (s *Server) Status() Status {
	s.mu.Lock()
	sessions := make([]*session, 0, len(s.sessions))
	for session := range s.sessions {
		sessions = append(sessions, session)
	}
	s.mu.Unlock()
	status := Status{Databases: s.databases.status(), Ahead: s.ahead.counts()}
	heads := make(map[string]protocol.Revision, len(status.Databases))
	for _, db := range status.Databases {
		heads[db.Name] = db.Log.Head
	}
	for _, session := range sessions {
		status.Sessions = append(status.Sessions, session.status(heads))
	}
	slices.SortFunc(status.Sessions, func(a, b SessionStatus) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID))
	})
	return status
}

// status returns how the databases are doing that are open. One that is just being
// opened or closed is left out, because that can take long.
func (d *databases) status() []DatabaseStatus {
	var all []DatabaseStatus
	for _, db := range d.listed() {
		log := db.current()
		if log == nil {
			continue
		}
		status := DatabaseStatus{Name: db.name, Sessions: d.sessions(db)}
		if teller, ok := log.(revlog.StatusReporter); ok {
			status.Log, _ = teller.Status() // what it cannot say is zero
		}
		all = append(all, status)
	}
	slices.SortFunc(all, func(a, b DatabaseStatus) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// current returns the log, nil if it is not open.
func (db *database) current() revlog.Log {
	if !db.opening.TryLock() {
		return nil
	}
	defer db.opening.Unlock()
	return db.log
}

func (d *databases) sessions(db *database) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return db.sessions
}

// An introduction is what is known of a session: more and more, but it does not
// change.
type introduction struct {
	database string
	identity string
}

func (s *session) status(heads map[string]protocol.Revision) SessionStatus {
	status := SessionStatus{ID: s.id, Subject: s.grant.Subject, ReadOnly: s.grant.ReadOnly, Remote: s.remote, Since: s.started}
	if known := s.introduced.Load(); known != nil {
		status.Database, status.Client = known.database, known.identity
	}
	if !s.progress.live.Load() {
		return status
	}
	status.Subscribed = true
	status.Position = protocol.Revision(s.progress.position.Load())
	if head := heads[status.Database]; head > status.Position {
		status.Lag = head - status.Position
	}
	if behind := s.progress.behind.Load(); behind != 0 {
		status.Behind = moment(behind).age()
	}
	return status
}

// A progress is how far the pushing of a session has come, for others to see.
type progress struct {
	live     atomic.Bool   // it goes on
	position atomic.Uint64 // up to which everything was sent
	behind   atomic.Int64  // the moment since when there is something to send; 0 if there is nothing
}

// begin notes that pushing begins at a position.
func (p *progress) begin(position protocol.Revision) {
	p.position.Store(uint64(position))
	p.moved()
	p.live.Store(true)
}

// moved notes that there is something to send.
func (p *progress) moved() { p.behind.Store(int64(thisMoment())) }

// reached notes that everything up to a position was sent.
func (p *progress) reached(position protocol.Revision) {
	p.position.Store(uint64(position))
	p.behind.Store(0)
}

// end notes that nothing more is sent.
func (p *progress) end() { p.live.Store(false) }

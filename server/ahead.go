package server

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"syncabled/protocol"
)

// An aheadLog knows clients that have seen revisions which their database has not
// reached: its file was lost, or is older than what the clients have seen. What they
// edit of objects that it does not have is acknowledged and reaches nobody, so the
// operator is told. Clients of a database that was restored with 'syncabled restore'
// are expected to be ahead of the copy and are not counted: they are recognised by
// the gap that the restore left.
type aheadLog struct {
	logger zerolog.Logger
	due    reminder // a database has its first

	mu         sync.Mutex
	clients    map[clientName]struct{}
	byDatabase map[string]int
	logged     map[string]struct{} // databases
}

type clientName struct{ database, identity string }

// mostAhead is how many clients are counted, of all databases, beside one of each.
const mostAhead = 10_000

// aheadDelay is how long clients are counted before their number is logged: when
// there is one, others are usually on their way.
const aheadDelay = time.Second

func newAheadLog(logger zerolog.Logger) *aheadLog {
	return &aheadLog{
		logger:     logger,
		due:        newReminder(),
		clients:    map[clientName]struct{}{},
		byDatabase: map[string]int{},
		logged:     map[string]struct{}{},
	}
}

// note counts a client, unless it has been. If there are too many, the first one of each
// database counts all the same, so that every database is told of.
func (l *aheadLog) note(name clientName) {
	l.mu.Lock()
	defer l.mu.Unlock()
	full := len(l.clients) == mostAhead
	if _, known := l.clients[name]; known || full && l.byDatabase[name.database] > 0 {
		return
	}
	if !full {
		l.clients[name] = struct{}{}
	}
	l.byDatabase[name.database]++
	l.due.ask()
}

// counts returns how many clients are ahead of each database that has some.
func (l *aheadLog) counts() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.byDatabase)
}

// run logs databases that clients are ahead of, each one once, until ctx is done.
func (l *aheadLog) run(ctx context.Context) {
	defer l.report()
	l.due.run(ctx, aheadDelay, l.report)
}

func (l *aheadLog) report() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, database := range slices.Sorted(maps.Keys(l.byDatabase)) {
		if _, done := l.logged[database]; done {
			continue
		}
		l.logged[database] = struct{}{}
		l.logger.Warn().Str("database", database).Int("clients", l.byDatabase[database]).
			Msg("clients are ahead of this database: its file is new, or older than what they have seen, and what they edit of objects " +
				"that it does not have is lost; put the right data folder in place, or restore a backup with 'syncabled restore'")
	}
}

// detail says in a line, for anybody, that there are such clients. It is empty if
// there are none.
func (l *aheadLog) detail() string {
	counts := l.counts()
	clients := 0
	for _, n := range counts {
		clients += n
	}
	if clients == 0 {
		return ""
	}
	return fmt.Sprintf("clients are ahead of their database: %d, of %d databases; see the log, or /status\n", clients, len(counts))
}

// noteAhead notes that the client has seen more than its database has.
func (s *session) noteAhead() {
	s.server.ahead.note(clientName{s.db.name, s.identity})
}

// checkBase notes a client whose base the log had not reached before its set.
func (s *session) checkBase(base, head protocol.Revision, appended int) {
	if base > head-protocol.Revision(appended) {
		s.noteAhead()
	}
}

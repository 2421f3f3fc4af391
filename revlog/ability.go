package revlog

import (
	"context"
	"io"
	"time"

	"syncabled/protocol"
)

// This file names what some logs can do beside what every [Log] does.

// An Expirer is a [Log] that knows for how long it has held sets.
type Expirer interface {
	Log

	// Expired returns the identities of clients that have sent nothing more of a held set
	// for longer than expiry. The age of a set is what the time of day, now, says, or, if
	// that is more, what it was when the log was opened and the time that has passed
	// since: a clock that was set back keeps no set for ever. It costs next to nothing
	// while no set has expired.
	Expired(ctx context.Context, now time.Time, expiry time.Duration) ([]string, error)
}

// A Copier is a [Log] that can be copied while others read and write.
type Copier interface {
	Log

	// WriteTo writes a copy of the database as it is at one moment. The copy is a
	// database file.
	io.WriterTo
}

// A StatusReporter is a [Log] that says how it is doing.
type StatusReporter interface {
	Log

	// Status returns how the log is doing. What it costs does not depend on how large
	// the database is.
	Status() (Status, error)
}

// A Surrenderer is a [Log] that can be given up (see [ErrGivenUp]).
type Surrenderer interface {
	Log

	// GivenUp returns a channel that is closed when the log is given up. Close then
	// returns the reason.
	GivenUp() <-chan struct{}
}

// A Status says how a database is doing.
type Status struct {
	Head    protocol.Revision
	Objects int   // that are there: tombstones do not count
	Held    int   // bytes held of sets that are not complete, roughly
	Size    int64 // bytes of the file
}

// A Refused is a change that a client sent and that can never be accepted.
type Refused struct {
	Client   uint64    `json:"client"` // number of the client
	Received time.Time `json:"received"`
	Table    string    `json:"table"`
	Reason   string    `json:"reason"`
	Change   string    `json:"change"` // its JSON, or the first 64 KiB of it
}

// A Commit is what became of a group of commands that were committed together, or
// were to be.
type Commit struct {
	Commands int           // in the group
	Entries  int           // that it added to the log
	Duration time.Duration // of resolving, writing and syncing
	Outcome  Outcome       // zero if it failed
	Err      error         // why it failed; unless the log ended itself, the commands of a group of several are then tried one by one
}

// An Outcome counts what became of changes that did not go into the log as they
// came.
type Outcome struct {
	Trimmed  int // updates of which others were faster with some key paths
	Merged   int // creates of an object that others had updated: their updates were kept
	Dropped  int // changes of which nothing was left
	Repaired int // objects that their client is sent again
	Refused  int // changes that can never be accepted
	Resyncs  int // clients that were sent everything again
}

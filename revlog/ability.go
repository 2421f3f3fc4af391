package revlog

import (
	"context"
	"io"
	"time"
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

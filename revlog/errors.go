package revlog

import (
	"errors"
	"fmt"

	"syncabled/protocol"
)

// ErrClosed is wrapped by the errors of calls to a log that has been closed, or has
// ended itself.
var ErrClosed = errors.New("log is closed")

// ErrGivenUp is wrapped by the errors of calls to a log whose file could not be read
// when a transaction began or was rolled back. Calls that wait for others return it,
// too; one that reads or writes the file at that moment may never return. The file stays
// locked until the process ends: only a restart opens it again. It wraps [ErrClosed].
var ErrGivenUp = fmt.Errorf("%w until the server is restarted: its file could not be read", ErrClosed)

// ErrAhead is wrapped by the errors of calls with a position that the log has not
// reached, or left out: the reader comes from another history, such as that of a
// database since restored from a copy.
var ErrAhead = errors.New("position is ahead of the log")

// A GapError is the [ErrAhead] of a position that the log left out when it was
// restored from a copy.
type GapError struct {
	After, To protocol.Revision // the revisions between the two were left out
}

func (e *GapError) Error() string {
	return fmt.Sprintf("%v: a restore left out the revisions between %d and %d", ErrAhead, e.After, e.To)
}

// Unwrap returns [ErrAhead].
func (e *GapError) Unwrap() error { return ErrAhead }

// ErrFull is wrapped by errors that come from a lack of room on the disk. What
// was refused can be submitted again when there is room.
var ErrFull = errors.New("disk is full")

// ErrHeldTooLarge is wrapped by Submit's error for a partial set with which more
// would be held of its client than may be.
var ErrHeldTooLarge = errors.New("the parts of one set are over the limit")

// ErrHeldFull is wrapped by Submit's error for a partial set with which more
// would be held of all clients than may be.
var ErrHeldFull = errors.New("the parts of all sets that wait for the rest are over the limit")

// ErrTooMany is wrapped by the error for a database that would be one too many.
var ErrTooMany = errors.New("there are as many databases as there may be")

// ErrDevice is wrapped by the error for a new database with the name of a device.
var ErrDevice = errors.New("name of a device on Windows")

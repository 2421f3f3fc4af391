// Package revlog is the history of a database: every accepted change in one total
// order, and the objects they add up to. It says what a log does; its subpackages do
// it. Package boltlog keeps a log in a file, and package fold resolves what is
// submitted to one.
//
// # Guarantees
//
//   - A command is durable, whole, once [Log.Submit] has returned without an error.
//     Otherwise it is durable whole or not at all.
//   - Conflicts are resolved where the order is made, by a pure function of the log
//     and the command (package fold): an update loses to what others did to the same
//     key paths since its base revision, a delete beats an update, and what another
//     client created or deleted since stands.
//   - A log that cannot vouch for what it has stored ends itself: after an error that
//     leaves it in doubt whether a set is durable, such as one of the sync that was to
//     make it so, and after a panic. All calls then return ErrClosed, as after
//     [Log.Close]. Opening it again makes durable what is there. Errors that leave
//     everything as it was, such as a full disk, end nothing.
//   - What a reader has been given stays, whatever fails.
//   - [Log.Read] gives a reader the net effect of what others did since its
//     position, at most one change per object. A reader that applies every
//     batch ends with the server's objects.
package revlog

import (
	"context"

	"syncabled/protocol"
)

// A Log is one database's history: changes in one total order, and the objects
// they add up to. Its methods may be called concurrently.
type Log interface {
	// Submit resolves a command against the log and commits what stands, durably
	// and atomically, before it returns. A partial set is durably held until the
	// client's set is completed or finished: see [Set] and [Finish]. If it returns an error
	// the command may or may not have been committed; submitting it again does no
	// harm. If it returns none, it no longer refers to the bytes of the command.
	Submit(ctx context.Context, c Command) (Receipt, error)

	// Read returns what a reader at a position has not seen, in pages: at most
	// one change per object, the reader's own changes left out. For a position that
	// the log does not have the error wraps ErrAhead.
	Read(ctx context.Context, q Query) (Page, error)

	// Wait returns the head when the log has moved past rev.
	Wait(ctx context.Context, rev protocol.Revision) (protocol.Revision, error)

	// Head returns the revision of the last entry. Of a log that has ended the error
	// wraps ErrClosed.
	Head() (protocol.Revision, error)

	// Knows returns what the log knows of a client.
	Knows(ctx context.Context, identity string) (Acquaintance, error)

	// Tables returns the tables that a client had when it subscribed last (see
	// [Subscribe]), the zero Tables if the log does not know the client.
	Tables(ctx context.Context, identity string) (Tables, error)

	// Close commits what was submitted and ends the log. Readers that wait, and all
	// later calls, get an error that wraps ErrClosed. Of a log that has ended itself
	// it returns the reason; it may be called again.
	Close() error
}

// An Acquaintance is what a log knows of a client. It is zero for a stranger.
type Acquaintance struct {
	Known     bool // it has written something
	Confirmed bool // it has the acknowledgement of its first set: see [Confirm]; so has one that sent a set with a base revision
	Strayed   bool // see [Stray]
}

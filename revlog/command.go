package revlog

import (
	"time"

	"syncabled/protocol"
)

// A Command is what can be submitted to a log: a [Set], [Subscribe], [Resync], [Rename],
// [Finish], [Confirm] or [Stray]. It carries everything that decides what becomes of it, so that every log
// with the same history does the same with it.
type Command interface {
	// Clients returns the identities of those whose commands keep their order with it.
	Clients() []string
}

// Clients returns the client of the set.
func (c Set) Clients() []string { return []string{c.Client} }

// Clients returns the client that is resynced.
func (c Resync) Clients() []string { return []string{c.Client} }

// Clients returns the client by both names.
func (c Rename) Clients() []string { return []string{c.From, c.To} }

// Clients returns the client whose set is finished.
func (c Finish) Clients() []string { return []string{c.Client} }

// Clients returns the client that is confirmed.
func (c Confirm) Clients() []string { return []string{c.Client} }

// Clients returns the client that a batch may still come to.
func (c Stray) Clients() []string { return []string{c.Client} }

// Clients returns the client that subscribes, and the one in whose place it does.
func (c Subscribe) Clients() []string {
	if c.Predecessor == "" {
		return []string{c.Client}
	}
	return []string{c.Client, c.Predecessor}
}

// A Set is a set of changes from a client or, if it is partial, one message of a set.
type Set struct {
	Client  string            // identity of the client
	Base    protocol.Revision // last revision it had applied before it made the changes
	Changes []protocol.Change
	Refused []protocol.Refusal // changes that were left out; their objects are repaired
	Partial bool               // hold it until the rest has come
	Time    time.Time          // when it was received
	Limits  Limits

	// First says that the set begins with this message. What is held of the client is
	// of an earlier attempt to send what comes now, and is dropped, unless the client
	// may only read: who may not write drops nothing of one who may.
	First bool

	// Connection identifies the connection that the set came over among the client's.
	Connection string

	// Sent is the highest position that the client had been sent when the set
	// came in. If others changed an object up to there, the client may have made
	// its change before or after it got theirs, whatever Base says.
	Sent protocol.Revision

	// Stale says that the set may be older than what another connection of the
	// client brought. The objects it touches are repaired.
	Stale bool

	// ReadOnly says that the client may not change anything. Nothing of the set is
	// applied, and the objects that it would have changed are repaired. It is never
	// held. Earlier parts that are held, from when the client could still write, are
	// committed now without the rest, unless Apart is set.
	ReadOnly bool

	// Apart says that what is held of the client is not to be completed with this set,
	// which is ReadOnly: the rest may still come over a connection that may write. The
	// objects of the set are repaired, because what is held may be about them.
	Apart bool
}

// Limits bound what a set may do to the objects of a database.
type Limits struct {
	// ObjectBytes is the size that updates may give an object. An update that
	// would go beyond it is refused. 0 means any size.
	ObjectBytes int
}

// A Subscribe says which tables a client has from now on. If some of them it was not
// sent so far, they are in the receipt: it is going to be given all of their objects (see
// [Query.Anew]), up to the receipt's head.
type Subscribe struct {
	Client string            // identity of the client
	Base   protocol.Revision // position that it subscribes from
	Tables []string          // that it has, in order, each once; nil if it does not say: then all
	Time   time.Time

	// Arrived is a head as of before the first set of the connection. What the client
	// alone has made of a table since it named that for the first time, it need not be
	// given.
	Arrived protocol.Revision

	// Predecessor is the identity that the client had until now, "" if it is the same.
	// If the log has no tables of Client, it takes those of this one.
	Predecessor string
}

// A Resync announces that a client is going to get everything after Base anew (see
// [Query.Snapshot]). The receipt's head is the revision up to which to read.
type Resync struct {
	Client string // identity of the client
	Base   protocol.Revision
	Own    bool // with what nobody but the client touched; see Query.Own
	Time   time.Time

	// Missing are objects that the client may lack although nobody else touched them.
	// They are repaired.
	Missing []Name
}

// A Name says which object of a database is meant.
type Name struct {
	Table string
	Key   protocol.Key
}

// A Rename announces that a client goes by another identity from now on: all that the
// log has of a client called From is of To. If the log knows To, or does not know
// From, it does nothing.
type Rename struct{ From, To string }

// A Finish commits what is held of a client's set as it is: the rest is not going to
// come. If nothing is held it does nothing.
type Finish struct {
	Client     string // identity of the client
	Time       time.Time
	Connection string // over which the client has heard that the parts are held, "" if none
	Limits     Limits
}

// A Confirm notes that a client has the acknowledgement of its first set. If the log does
// not know the client it does nothing.
type Confirm struct {
	Client string // identity of the client
}

// A Stray notes that a batch that was sent to a client may still come, although its
// connection was cut. A [Resync] without Own ends that. If the log does not know the
// client it does nothing.
type Stray struct {
	Client string // identity of the client
}

// A Receipt says what became of a command.
type Receipt struct {
	Head     protocol.Revision // head of the log after it
	Appended int               // entries that it added, with all that was held of its set
	Held     bool              // it is a set that waits for the rest

	// Collisions are tables, at most a few, of which an object was dropped because
	// another client had created one under the same key, and the keys seem to be
	// counted by each client (++id).
	Collisions []string

	// Of a Subscribe: tables that the client is to be given anew, each with the revision
	// of [Query.Anew], or that it is to be given everything anew.
	Anew    map[string]protocol.Revision
	AllAnew bool
}

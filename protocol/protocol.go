// Package protocol is the wire: the messages that unmodified Dexie.Syncable
// clients of the WebSocket sample protocol exchange with this server.
//
// Every message is one WebSocket text frame that holds one JSON object with a
// member "type". A connection runs like this:
//
//	client                                        server
//	  clientIdentity {clientIdentity: null} ──►
//	  changes {requestId: 1, ...}           ──►
//	  subscribe {syncedRevision: null}      ──►
//	                                        ◄──  clientIdentity {clientIdentity: "…"}
//	                                        ◄──  ack {requestId: 1}
//	                                        ◄──  changes {changes, currentRevision, partial}
//	  changes {requestId: 2, ...}           ──►
//	                                        ◄──  ack {requestId: 2}
//	                                        ◄──  changes {changes, currentRevision, partial}
//
// The client sends its first three messages without waiting. An identity is
// answered only if the client had none. Every changes message is acknowledged
// exactly once, in order, after a durable commit; a set cut into messages with
// partial: true takes effect with the message that has partial: false.
//
// # Bytes
//
// [Decode] checks a frame against [Limits] and keeps the JSON of values as the
// bytes that came in; the Append functions splice those bytes into frames. So
// number literals, lone surrogates, repeated names and the order of members
// survive a round trip. Names and keys, which are compared, are decoded: strings
// are held in WTF-8 (UTF-8 in which a lone surrogate is encoded like any other
// code point), keys in a canonical form (see [Key]).
//
// The package uses the standard library only and does no I/O.
package protocol

// A Revision is a position in the history of one database: revision N is the
// state after its first N entries. The zero Revision comes before all of them.
// Revisions stay below 2^53, so that JavaScript holds them exactly.
type Revision uint64

// MaxRevision is the largest revision that JavaScript can hold exactly.
const MaxRevision Revision = 1<<53 - 1

// A ChangeType says what a change does to its object. The values are those of
// Dexie.Observable's DatabaseChangeType.
type ChangeType uint8

const (
	Create ChangeType = 1 // replaces whatever is stored under the key
	Update ChangeType = 2 // sets key paths of an object that exists
	Delete ChangeType = 3 // removes the object
)

// String returns the name that Dexie gives the type.
func (t ChangeType) String() string {
	switch t {
	case Create:
		return "CREATE"
	case Update:
		return "UPDATE"
	case Delete:
		return "DELETE"
	}
	return "unknown change type"
}

// A Change is one change of one object.
type Change struct {
	Type  ChangeType
	Table string // name of the table, WTF-8
	Key   Key    // primary key of the object
	Obj   []byte // JSON of the object, only with Create
	Mods  []byte // JSON object from key path to value, only with Update
}

// A Message is what a client sends: one of [ClientIdentity], [Changes],
// [Subscribe] and [Unknown].
type Message interface{ isMessage() }

// ClientIdentity opens a connection.
type ClientIdentity struct {
	// Identity is what the server gave this client database earlier. It is
	// empty if the client has none, or one that is no string and so cannot
	// have come from this server.
	Identity string

	Tables []string // that the client has; nil if it does not say
}

// Changes is a set of changes, or one part of a set.
type Changes struct {
	RequestID string // the JSON number to acknowledge
	Changes   []Change
	Refused   []Refusal
	Base      Revision // last revision the client had applied before it made the changes
	Partial   bool     // more of this set follows
	First     bool     // it begins a set: nothing that came before is a part of that
}

// A Refusal is a change that can never be accepted: of a table, key or key path
// that is not allowed, or over a limit. The rest of its set is good.
type Refusal struct {
	Table  string // as far as it could be read
	Key    Key    // empty if it is no key
	Change []byte // JSON of the change
	Reason string
}

// Subscribe asks for everything after a position, now and from then on.
type Subscribe struct {
	Synced Revision
	IsNew  bool     // the client has no position: it has never applied a batch
	Tables []string // that the client has; nil if it does not say
}

// Unknown is a message of a type that this version does not know. It is to be
// ignored.
type Unknown struct {
	Type string
}

func (ClientIdentity) isMessage() {}
func (Changes) isMessage()        {}
func (Subscribe) isMessage()      {}
func (Unknown) isMessage()        {}

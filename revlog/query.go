package revlog

import "syncabled/protocol"

// A Query asks for a page of what a reader has not seen.
type Query struct {
	Reader   string              // identity, whose own changes are left out
	After    protocol.Revision   // position of the reader
	UpTo     protocol.Revision   // where the batch ends; 0 means the head
	Snapshot bool                // give what anybody touched as it is, unless the reader alone touched the object
	Own      bool                // of a snapshot: give objects that the reader alone touched, too
	Mine     bool                // from position 0: give these alone
	Tables   map[string]struct{} // only these; nil means all
	Cursor   Cursor              // Page.Next of the page before; nil starts a batch

	// Anew are tables of which the batch begins with all objects as they are, whatever
	// After is, and even if the reader alone touched them, unless it did so after the
	// revision that is given for the table, and only then. They must be among Tables.
	Anew map[string]protocol.Revision

	MaxChanges int // changes in a page; 0 means 50,000
	MaxBytes   int // bytes of a page's changes, but at least one change; 0 means 8 MiB

	// Encoder, if it is not nil, writes the changes to the end of Text, which becomes
	// Page.Text. Page.Changes is then nil.
	Encoder Encoder
	Text    []byte
}

// An Encoder writes the changes of a page in the form of a protocol. Each method
// appends one to out and returns the result; n is how many the page had before. What
// it is passed may be a part of a file, and must not be kept.
type Encoder interface {
	AppendChange(out []byte, n int, c protocol.Change) []byte

	// AppendCreate appends a CREATE. Most changes of a first sync are, and no string
	// need be made of their keys.
	AppendCreate(out []byte, n int, table string, key, obj []byte) []byte
}

// A Page is one part of a batch. All parts of a batch together take the reader
// from Query.After to Revision.
type Page struct {
	Changes  []protocol.Change
	Text     []byte            // what Query.Encoder made of the changes
	Count    int               // of changes
	Revision protocol.Revision // position after the whole batch
	Partial  bool              // more pages follow
	Next     Cursor            // where they start
	Idle     bool              // the batch holds nothing but marks for others; it need not be sent
	Repairs  bool              // it replaces objects that the reader may have changed since

	// Clients are those whose changes, or marks, are in the batch: for anybody
	// else it would be the same. It is known, and then not nil, if the query has
	// no Reader and the batch is in memory.
	Clients []string

	// Tables are those of the entries that the batch is made of, if Clients are known.
	Tables []string
}

// A Cursor is a place in a batch. It is of use only to the log that returned it.
type Cursor any

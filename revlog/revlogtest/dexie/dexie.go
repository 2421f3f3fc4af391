// Package dexie is a model of a browser app that uses Dexie.js with
// Dexie.Syncable: a table, the log of changes that Dexie.Observable keeps of
// it, and the bookkeeping by which Dexie.Syncable decides what to send with
// which base revision and how to apply what comes. It follows dexie 4 and
// dexie-syncable 4 function by function; each one here names the one there.
//
// The model has one table, with string keys. Nothing happens by itself: the
// test decides when a message arrives, when a batch that has arrived is applied
// and when the app notices that its tables have changed.
//
//	app      Put, Assign, Delete
//	network  Connect, Receive, React  (they return what the client sends)
//	browser  Apply
package dexie

import (
	"syncabled/protocol"
)

// A Client is one browser with its database.
type Client struct {
	database   // what is left of it after a crash
	connection // what is not

	// Threshold is the partialsThreshold of its protocol: how many changes fit
	// in one message. 0 means any number.
	Threshold int
}

// database is what is stored in IndexedDB.
type database struct {
	table       map[string]any
	changes     []change // _changes
	rev         int      // the last one's
	node        syncNode // _syncNodes
	uncommitted []protocol.Change
}

// A change is a record of _changes. Those that came from the server only count.
type change struct {
	rev    int
	remote bool
	localChange
}

// A localChange is something that the app did.
type localChange struct {
	kind protocol.ChangeType
	key  string
	obj  any
	mods []Mod
}

// A syncNode is what the client knows of its server. A myRevision of -1 says
// that the table has not been uploaded yet.
type syncNode struct {
	myRevision            int
	appliedRemoteRevision protocol.Revision
	remoteBaseRevisions   []baseRevision
	upload                *uploadState
}

// A baseRevision says that changes after a local revision were made by someone
// who had seen a remote one.
type baseRevision struct {
	remote protocol.Revision
	local  int
}

// uploadState is how far the first upload of the table has come.
type uploadState struct {
	key   string // last one sent
	local int    // local revision when it began
}

// connection is the state of the open connection.
type connection struct {
	open      bool
	lastID    int
	waiting   *sentChanges // sent but not acknowledged
	accepted  bool         // the first request was
	upToDate  bool         // the first batch has been applied
	reacting  bool         // changes of the table are sent as they happen
	noticed   bool         // the table has changed since the last message was made
	arrived   []Batch      // not applied yet
	hasBroken string       // why, if the server broke the protocol
}

// sentChanges is a request under way and what its acknowledgement changes.
type sentChanges struct {
	id    string
	onAck func(*syncNode)
}

// New returns a client with an empty database that has never been connected.
func New(threshold int) *Client {
	return &Client{
		database:  database{table: map[string]any{}, node: syncNode{myRevision: -1}},
		Threshold: threshold,
	}
}

// Table returns the objects by key.
func (c *Client) Table() map[string]any { return c.table }

// Connected reports whether the client has connected.
func (c *Client) Connected() bool { return c.open }

// Broken says how the server broke the protocol, if it did.
func (c *Client) Broken() string { return c.hasBroken }

// Unsent counts the changes of the app that the server has not acknowledged.
func (c *Client) Unsent() int {
	n := 0
	for _, change := range c.changes {
		if change.rev > c.node.myRevision && !change.remote {
			n++
		}
	}
	return n
}

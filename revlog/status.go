package revlog

import (
	"time"

	"syncabled/protocol"
)

// A Status says how a database is doing.
type Status struct {
	Head    protocol.Revision
	Objects int   // that are there: tombstones do not count
	Held    int   // bytes that what is held of sets that are not complete takes in memory, roughly
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

package revlog

import (
	"context"
	"errors"
	"strconv"

	"syncabled/protocol"
)

// An Entry is one entry of the log: an accepted change, or a mark that has a client
// get objects anew.
type Entry struct {
	Revision protocol.Revision
	Client   uint64            // number of the client that the change came from, or that the mark is for
	Previous protocol.Revision // the entry of the object before, 0 if none; of a resync, the position from which on it holds
	Change   protocol.Change   // of a mark, see MarkRepair and MarkResync
}

// The types of marks, which continue those of changes. The Mods of a repair have the key
// paths that it is about as their names, and null as their values; without Mods it is
// about the whole object. The Obj of a resync has the names of its tables as an array of
// JSON, nil if it is of all.
const (
	MarkRepair protocol.ChangeType = 4 // of one object
	MarkResync protocol.ChangeType = 5 // of all, or of all of some tables
)

// IsMark reports whether the entry is a mark.
func (e Entry) IsMark() bool { return e.Change.Type >= MarkRepair }

// AppendJSON appends the entry as an object of JSON:
//
//	revision   its revision
//	type       "create", "update", "delete", "repair" or "resync"
//	table      name of the table; not of a resync
//	key        key of the object; not of a resync
//	obj        the object, of a create
//	mods       the new values by key path, of an update
//	paths      the key paths that a repair is about, if not the whole object
//	tables     of a resync, the names of its tables if it is not of all
//	client     number of the client that it came from, or that it is for
//	previous   the entry of the object before it, if there is one; of a resync, the
//	           position from which on it holds
func (e Entry) AppendJSON(out []byte) []byte {
	isResync := e.Change.Type == MarkResync
	out = append(out, `{"revision":`...)
	out = strconv.AppendUint(out, uint64(e.Revision), 10)
	out = append(out, `,"type":"`...)
	out = append(append(out, e.kind()...), '"')
	if !isResync {
		out = append(out, `,"table":`...)
		out = protocol.AppendQuote(out, e.Change.Table)
		out = append(out, `,"key":`...)
		out = append(out, e.Change.Key...)
	}
	switch e.Change.Type {
	case protocol.Create:
		out = append(append(out, `,"obj":`...), e.Change.Obj...)
	case protocol.Update:
		out = append(append(out, `,"mods":`...), e.Change.Mods...)
	case MarkResync:
		if e.Change.Obj != nil {
			out = append(append(out, `,"tables":`...), e.Change.Obj...)
		}
	}
	if e.Change.Type == MarkRepair && e.Change.Mods != nil {
		out = append(out, `,"paths":`...)
		out = appendNames(out, e.Change.Mods)
	}
	out = append(out, `,"client":`...)
	out = strconv.AppendUint(out, e.Client, 10)
	if e.Previous > 0 || isResync {
		out = append(out, `,"previous":`...)
		out = strconv.AppendUint(out, uint64(e.Previous), 10)
	}
	return append(out, '}')
}

// appendNames appends the names of an object's members as a list.
func appendNames(out, obj []byte) []byte {
	out = append(out, '[')
	for name := range protocol.Members(obj) {
		if out[len(out)-1] != '[' {
			out = append(out, ',')
		}
		out = protocol.AppendQuote(out, name)
	}
	return append(out, ']')
}

func (e Entry) kind() string {
	switch e.Change.Type {
	case protocol.Create:
		return "create"
	case protocol.Update:
		return "update"
	case MarkRepair:
		return "repair"
	case MarkResync:
		return "resync"
	}
	return "delete"
}

// A Filter says which entries to show. The zero Filter lets all pass.
type Filter struct {
	Table string       // "" for all
	Key   protocol.Key // "" for all
}

// Passes reports whether the filter lets an entry with a change pass.
func (f Filter) Passes(c protocol.Change) bool {
	return (f.Table == "" || f.Table == c.Table) && (f.Key == "" || f.Key == c.Key)
}

// An EntryReader is a [Log] that gives its entries one by one: for projections, feeds
// and inspectors, not for clients.
type EntryReader interface {
	Log

	// Entries looks at the first entries after a revision, in order: at most max, which
	// is at least 1, and fewer if they are large. It returns those that pass the filter,
	// and the revision to go on after, which is that of the head when there are no more.
	// The error wraps ErrAhead if the revision is beyond the head, and is a [*GapError]
	// if it was left out by a restore.
	Entries(ctx context.Context, after protocol.Revision, max int, filter Filter) (page []Entry, next protocol.Revision, err error)
}

// entriesPage is how many entries EachEntry asks for at once.
const entriesPage = 4096

// EachEntry calls visit for the entries of a log after a revision that pass a filter, up
// to the head as of the call, in order. The log is free for others while visit runs. It
// ends with the first error of visit.
func EachEntry(ctx context.Context, log EntryReader, after protocol.Revision, filter Filter, visit func(Entry) error) error {
	head, err := log.Head()
	for err == nil && after < head {
		var page []Entry
		var gap *GapError
		page, after, err = log.Entries(ctx, after, entriesPage, filter)
		if errors.As(err, &gap) {
			after, err = gap.After, nil
		}
		for i := 0; i < len(page) && page[i].Revision <= head && err == nil; i++ {
			err = visit(page[i])
		}
	}
	return err
}

package fold

import (
	"maps"
	"slices"

	"syncabled/protocol"
	"syncabled/revlog"
)

// This file is about clients that name the tables that they have.
//
// A client is sent nothing of other tables, but its position moves past them. So a table
// that it names later has to be given to it from the beginning: a resync of that table,
// with a mark of its own. Its revision is kept with the table. A client that subscribes
// from before it has not got the table, and is given it again.
//
// Of what the client itself did to the table since it has it, that gives nothing, because
// the client has that in a better form. "Since it has it" means: after the head as of the
// connection that first named the table.

// subscribe takes in which tables a client has, and marks the resync of those that it
// has not been sent. A client that the log does not know is kept only if it names tables:
// which of a later list are new could not be said otherwise.
func (f *Fold) subscribe(s revlog.Subscribe) (anew map[string]protocol.Revision, all bool, err error) {
	if err := checkIdentity(s.Client); err != nil {
		return nil, false, err
	}
	c, err := f.client(s.Client)
	if err != nil {
		return nil, false, err
	}
	had := c.Tables
	if had == (revlog.Tables{}) && s.Predecessor != "" {
		before, err := f.client(s.Predecessor)
		if err != nil {
			return nil, false, err
		}
		had = before.Tables
	}
	mark := f.head() + 1
	next, anew, all := had.Next(s.Tables, f.knownBase(s.Base), min(s.Arrived, f.head()), mark)
	if !ruleNewTables {
		anew, all = nil, false
	}
	switch {
	case all:
		if err := f.resync(revlog.Resync{Client: s.Client, Own: true, Time: s.Time}); err != nil {
			return nil, false, err
		}
		c = f.result.Clients[s.Client]
	case anew == nil && next == c.Tables:
		return nil, false, nil
	default:
		c = f.number(c)
	}
	if anew != nil {
		change := protocol.Change{Type: revlog.MarkResync, Obj: appendNames(slices.Sorted(maps.Keys(anew)))}
		f.result.Entries = append(f.result.Entries, revlog.Entry{Revision: mark, Client: c.Number, Change: change})
		f.result.Outcome.Resyncs++
	}
	c.Tables = next
	f.stage(s.Client, c)
	return anew, all, nil
}

func appendNames(names []string) []byte {
	out := []byte{'['}
	for i, name := range names {
		if i > 0 {
			out = append(out, ',')
		}
		out = protocol.AppendQuote(out, name)
	}
	return append(out, ']')
}

// baseOf returns the base of a change to a table: 0 if the client had not been given the
// table by then. It has seen nothing of it.
func (f *Fold) baseOf(c Client, table string, base protocol.Revision) protocol.Revision {
	if c.Tables == (revlog.Tables{}) || !ruleTableBase {
		return base
	}
	if l := f.tableOf(c, table); !l.has || base < l.since {
		return 0
	}
	return base
}

// A lookup is what the tables of a client say of one.
type lookup struct {
	tables       revlog.Tables
	table        string
	since, named protocol.Revision
	has          bool

	find func(table string) (since, named protocol.Revision, has bool) // nil as long as one table was looked up
}

// tableOf looks up a table of a client that has named some. Most sets change objects of
// one table, for which its list, which may name a thousand, need not be indexed.
func (f *Fold) tableOf(c Client, table string) lookup {
	l := &f.lookup
	switch {
	case l.tables != c.Tables:
		*l = lookup{tables: c.Tables}
		l.since, l.named, l.has = c.Tables.Of(table)
	case l.table == table:
		return *l
	case l.find == nil:
		l.find = c.Tables.Index()
		fallthrough
	default:
		l.since, l.named, l.has = l.find(table)
	}
	l.table = table
	return *l
}

// wasGiven reports whether the client was given an object with its table after it made a
// change to it with a base.
func (f *Fold) wasGiven(c Client, table string, obj Object, base protocol.Revision) (bool, error) {
	if base >= c.Tables.Latest() || !ruleGiven {
		return false, nil
	}
	l := f.tableOf(c, table)
	if base >= l.since {
		return false, nil
	}
	owned, err := IsOwn(f, obj.Last, l.named, l.since, c.Number)
	return !owned, err
}

// IsOwn reports whether all entries of an object up to a revision are changes of a
// client, after another revision, or there are none. So what the client has of it is no
// older than the log's.
func IsOwn(h History, last, after, to protocol.Revision, client uint64) (bool, error) {
	for rev := last; rev > 0; {
		e, err := h.Entry(rev)
		if err != nil {
			return false, err
		}
		if rev <= to && (rev <= after || e.Client != client || e.IsMark()) {
			return false, nil
		}
		rev = e.Previous
	}
	return true, nil
}

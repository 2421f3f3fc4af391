package revlogtest

import (
	"syncabled/protocol"
	"syncabled/revlog"
)

// A Client is one client of a log. Its changes are based on Base, the last
// position it has caught up with.
type Client struct {
	Name string
	Base protocol.Revision
	log  *Log

	readOnly bool                // nothing that it submits is applied
	tables   map[string]struct{} // that it named, nil for all
}

// Client returns a client that has not read anything.
func (l *Log) Client(name string) *Client { return &Client{Name: name, log: l} }

// Reader returns a client that may not change anything, and has not read anything.
func (l *Log) Reader(name string) *Client { return &Client{Name: name, log: l, readOnly: true} }

// Creates submits the creation of an object.
func (c *Client) Creates(table string, key any, obj string) revlog.Receipt {
	c.log.tb.Helper()
	return c.Submits(Create(table, key, obj))
}

// Updates submits the update of an object.
func (c *Client) Updates(table string, key any, mods string) revlog.Receipt {
	c.log.tb.Helper()
	return c.Submits(Update(table, key, mods))
}

// Deletes submits the deletion of an object.
func (c *Client) Deletes(table string, key any) revlog.Receipt {
	c.log.tb.Helper()
	return c.Submits(Delete(table, key))
}

// Submits submits a set, or the last message of one.
func (c *Client) Submits(changes ...protocol.Change) revlog.Receipt {
	c.log.tb.Helper()
	return c.log.submit(revlog.Set{Client: c.Name, Base: c.Base, Changes: changes, ReadOnly: c.readOnly})
}

// Begins submits a message of a set of which more is to come.
func (c *Client) Begins(changes ...protocol.Change) revlog.Receipt {
	c.log.tb.Helper()
	return c.log.submit(revlog.Set{Client: c.Name, Base: c.Base, Changes: changes, Partial: true, ReadOnly: c.readOnly})
}

// CatchesUp reads what it has not seen, and moves its base to the position that
// this takes it to.
func (c *Client) CatchesUp() []protocol.Change {
	c.log.tb.Helper()
	batch := c.log.batch(revlog.Query{Reader: c.Name, After: c.Base, Tables: c.tables}, nil)
	c.Base = batch.Revision
	return batch.Changes
}

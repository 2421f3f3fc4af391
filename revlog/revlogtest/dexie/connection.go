package dexie

import (
	"fmt"

	"syncabled/protocol"
)

// TableName is the name of the model's table.
const TableName = "items"

// A Batch is a message of changes from the server.
type Batch struct {
	Changes  []protocol.Change
	Revision protocol.Revision // currentRevision
	Partial  bool
}

// An Ack is an acknowledgement from the server.
type Ack struct{ RequestID string }

// Connect opens a connection. It returns the client's first messages: they go
// out without waiting for an answer.
func (c *Client) Connect(identity string) []protocol.Message {
	c.connection = connection{open: true}
	return []protocol.Message{
		protocol.ClientIdentity{Identity: identity},
		c.send(c.localChangesAutoAck()),
		protocol.Subscribe{Synced: c.node.appliedRemoteRevision},
	}
}

// Receive takes a message from the server, a [Batch] or an [Ack], and returns
// what the client sends in answer. A batch has to be applied before it counts.
func (c *Client) Receive(message any) []protocol.Message {
	switch m := message.(type) {
	case Batch:
		c.arrived = append(c.arrived, m)
	case Ack:
		if c.waiting == nil || c.waiting.id != m.RequestID {
			c.hasBroken = fmt.Sprintf("it acknowledged %s, which was not sent", m.RequestID)
			return nil
		}
		c.waiting.onAck(&c.node)
		c.waiting = nil
		c.accepted = true
		if c.reacting {
			return c.react()
		}
		return c.startReacting()
	}
	return nil
}

// Arrived counts the batches that wait to be applied.
func (c *Client) Arrived() int { return len(c.arrived) }

// Apply applies the first batch that has arrived.
func (c *Client) Apply() []protocol.Message {
	batch := c.arrived[0]
	c.arrived = c.arrived[1:]
	c.apply(batch)
	if batch.Partial {
		return nil
	}
	c.upToDate = true
	return c.startReacting()
}

// startReacting is continueSendingChanges: once the first request has been
// accepted and the first batch applied.
func (c *Client) startReacting() []protocol.Message {
	if c.reacting || !c.accepted || !c.upToDate {
		return nil
	}
	c.reacting = true
	return c.react()
}

// Noticed reports whether the table has changed in a way that React might want
// to tell the server.
func (c *Client) Noticed() bool { return c.reacting && c.noticed && c.waiting == nil }

// React is onChanges, which Dexie.Observable calls some time after the table
// has changed.
func (c *Client) React() []protocol.Message {
	if !c.Noticed() {
		return nil
	}
	return c.react()
}

// react is reactToChanges.
func (c *Client) react() []protocol.Message {
	c.noticed = false
	m := c.localChangesAutoAck()
	if len(m.changes) == 0 {
		return nil
	}
	return []protocol.Message{c.send(m)}
}

func (c *Client) send(m message) protocol.Message {
	c.lastID++
	c.waiting = &sentChanges{id: fmt.Sprint(c.lastID), onAck: m.onAck}
	sent := protocol.Changes{RequestID: c.waiting.id, Base: m.base, Partial: m.partial}
	for _, change := range m.changes {
		sent.Changes = append(sent.Changes, change.encode())
	}
	return sent
}

func (l localChange) encode() protocol.Change {
	change := protocol.Change{Type: l.kind, Table: TableName, Key: protocol.Key(protocol.AppendQuote(nil, l.key))}
	switch l.kind {
	case protocol.Create:
		change.Obj = Encode(l.obj)
	case protocol.Update:
		change.Mods = []byte{'{'}
		for i, mod := range l.mods {
			if i > 0 {
				change.Mods = append(change.Mods, ',')
			}
			change.Mods = append(protocol.AppendQuote(change.Mods, mod.Path), ':')
			change.Mods = append(change.Mods, Encode(mod.Value)...)
		}
		change.Mods = append(change.Mods, '}')
	}
	return change
}

package dexie

import (
	"math"

	"syncabled/protocol"
)

// noLimit is Infinity, where revisions and numbers of changes are compared.
const noLimit = math.MaxInt

// A message is what the client is about to send.
type message struct {
	changes []localChange
	base    protocol.Revision
	partial bool
	onAck   func(*syncNode)

	// What onAck does to myRevision, if it does.
	setsRevision bool
	revision     int
}

func (c *Client) maxChanges() int {
	if c.Threshold == 0 {
		return noLimit
	}
	return c.Threshold
}

// localChangesAutoAck is getLocalChangesForNode_autoAckIfEmpty: what has come
// from the server need not go back to it.
func (c *Client) localChangesAutoAck() message {
	for {
		m := c.localChanges()
		if len(m.changes) > 0 || !m.setsRevision || m.revision == c.node.myRevision {
			return m
		}
		m.onAck(&c.node)
	}
}

// localChanges is getLocalChangesForNode.
func (c *Client) localChanges() message {
	if c.node.myRevision < 0 {
		return c.tableAsChanges()
	}
	base, most := c.node.base()
	m := c.changesSince(c.node.myRevision, c.maxChanges(), most)
	m.base = base
	return m
}

// base is getBaseRevisionAndMaxClientRevision.
func (n *syncNode) base() (remote protocol.Revision, maxLocal int) {
	bases := n.remoteBaseRevisions
	if len(bases) == 0 {
		return 0, noLimit
	}
	for i := len(bases) - 1; i >= 0; i-- {
		if n.myRevision >= bases[i].local {
			if i == len(bases)-1 {
				return bases[i].remote, noLimit
			}
			return bases[i].remote, bases[i+1].local
		}
	}
	return 0, bases[0].local
}

// changesSince is getChangesSinceRevision.
func (c *Client) changesSince(rev, maxChanges, maxRev int) message {
	m := message{setsRevision: true, revision: rev}
	place := map[string]int{}
	for _, change := range c.changes {
		if change.rev <= rev || change.rev > maxRev {
			continue
		}
		if len(m.changes) == maxChanges {
			m.partial = true
			break
		}
		m.revision = change.rev
		if change.remote {
			continue
		}
		if i, seen := place[change.key]; seen {
			m.changes[i] = mergeChange(m.changes[i], change.localChange)
			continue
		}
		place[change.key] = len(m.changes)
		m.changes = append(m.changes, change.localChange)
	}
	next := m.revision
	m.onAck = func(n *syncNode) { n.myRevision = next }
	return m
}

// tableAsChanges is getTableObjectsAsChanges: the first upload.
func (c *Client) tableAsChanges() message {
	state := uploadState{local: c.rev}
	started := c.node.upload != nil
	if started {
		state = *c.node.upload
	}
	var changes []localChange
	for _, key := range c.keys() {
		if started && key <= c.node.upload.key {
			continue
		}
		if len(changes) == c.maxChanges() {
			return message{changes: changes, partial: true, onAck: func(n *syncNode) { n.upload = &state }}
		}
		changes = append(changes, localChange{kind: protocol.Create, key: key, obj: c.table[key]})
		state.key = key
	}
	base, most := c.node.base()
	room := c.maxChanges()
	if room != noLimit {
		room -= len(changes)
	}
	m := c.changesSince(state.local, room, most)
	m.changes = append(changes, m.changes...)
	m.base = base
	next := m.revision
	m.onAck = func(n *syncNode) { n.myRevision, n.upload = next, nil }
	return m
}

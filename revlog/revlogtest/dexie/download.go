package dexie

import "syncabled/protocol"

// apply is applyRemoteChanges.
func (c *Client) apply(b Batch) {
	if b.Partial {
		c.saveToUncommitted(b)
	} else {
		c.finallyCommit(b)
	}
}

// saveToUncommitted is saveToUncommittedChanges.
func (c *Client) saveToUncommitted(b Batch) {
	c.uncommitted = append(c.uncommitted, b.Changes...)
	c.node.appliedRemoteRevision = b.Revision
}

// finallyCommit is finallyCommitAllChanges.
func (c *Client) finallyCommit(b Batch) {
	before := c.rev
	c.applyChanges(c.uncommitted)
	c.uncommitted = nil
	c.applyChanges(b.Changes)

	n := &c.node
	n.appliedRemoteRevision = b.Revision
	n.remoteBaseRevisions = append(n.remoteBaseRevisions, baseRevision{remote: b.Revision, local: c.rev})
	if n.myRevision == before {
		n.myRevision = c.rev
	}
	for i := len(n.remoteBaseRevisions) - 1; i > 0; i-- {
		if n.myRevision >= n.remoteBaseRevisions[i].local {
			n.remoteBaseRevisions = n.remoteBaseRevisions[i:]
			break
		}
	}
}

// applyChanges is applyChanges: grouped by type, whatever the order.
func (c *Client) applyChanges(changes []protocol.Change) {
	for _, change := range changes {
		if change.Type == protocol.Create {
			c.put(keyOf(change), Decode(change.Obj), true)
		}
	}
	c.bulkUpdate(changes)
	for _, change := range changes {
		if change.Type == protocol.Delete {
			c.delete(keyOf(change), true)
		}
	}
}

// bulkUpdate is bulkUpdate: only objects that exist are updated.
func (c *Client) bulkUpdate(changes []protocol.Change) {
	for _, change := range changes {
		obj, exists := c.table[keyOf(change)]
		if change.Type != protocol.Update || !exists {
			continue
		}
		for path, value := range protocol.Members(change.Mods) {
			obj = SetByKeyPath(obj, path, Decode(value))
		}
		c.put(keyOf(change), obj, true)
	}
}

func keyOf(change protocol.Change) string { return protocol.Unquote([]byte(change.Key)) }

package dexie

import (
	"maps"
	"slices"

	"syncabled/protocol"
)

// What the app does to its table. Dexie.Observable logs all of it.

// Put stores an object, as Table.put does: over another one it is an update.
func (c *Client) Put(key string, obj any) { c.put(key, obj, false) }

// Assign sets a key path of an object, as Table.update does. It reports whether
// there is such an object.
func (c *Client) Assign(key, path string, value any) bool {
	obj, exists := c.table[key]
	if exists {
		c.put(key, SetByKeyPath(obj, path, value), false)
	}
	return exists
}

// Delete removes an object, as Table.delete does: also one that is not there is
// logged as deleted.
func (c *Client) Delete(key string) { c.delete(key, false) }

func (c *Client) put(key string, obj any, remote bool) {
	old, exists := c.table[key]
	c.table[key] = obj
	if !exists {
		c.log(localChange{kind: protocol.Create, key: key, obj: obj}, remote)
		return
	}
	before, beforeIsObject := old.(map[string]any)
	after, afterIsObject := obj.(map[string]any)
	if !beforeIsObject || !afterIsObject {
		panic("the model's objects are JSON objects")
	}
	if mods := objectDiff(before, after, ""); len(mods) > 0 {
		c.log(localChange{kind: protocol.Update, key: key, mods: mods}, remote)
	}
}

func (c *Client) delete(key string, remote bool) {
	delete(c.table, key)
	c.log(localChange{kind: protocol.Delete, key: key}, remote)
}

func (c *Client) log(what localChange, remote bool) {
	c.rev++
	c.changes = append(c.changes, change{rev: c.rev, remote: remote, localChange: what})
	c.noticed = true
}

// keys returns the keys of the table in order.
func (c *Client) keys() []string { return slices.Sorted(maps.Keys(c.table)) }

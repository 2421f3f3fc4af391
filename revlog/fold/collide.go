package fold

import (
	"bytes"
	"slices"

	"syncabled/protocol"
)

// This file notices tables whose keys each client counts by itself (++id). Two
// clients that add an object at the same time give both the same key, and one of the
// objects is lost. That is no conflict that a user could understand, so the operator
// is told.

// maxCollisions is how many tables a receipt names.
const maxCollisions = 8

// noteCollision notes a change of which nothing is left if it created an object
// whose key seems to be counted: an integer that the object itself does not hold,
// and under which another client has created a different object.
func (f *Fold) noteCollision(change protocol.Change, obj Object) {
	switch {
	case change.Type != protocol.Create, obj.Value == nil, !isInteger(change.Key):
	case hasValue(change.Obj, change.Key), bytes.Equal(obj.Value, change.Obj):
	case len(f.collisions) == maxCollisions, slices.Contains(f.collisions, change.Table):
	default:
		f.collisions = append(f.collisions, change.Table)
	}
}

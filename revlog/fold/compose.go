package fold

import (
	"syncabled/conflict"
	"syncabled/protocol"
)

// A mention is what one message does to one object: its changes of the object as one.
type mention struct {
	key    string // by ObjectKey
	change protocol.Change
}

// compose returns what the changes of a message do to each object, in the order in which
// the message mentions the objects first. All of them have the same base, so the object
// ends as it would if they were resolved one by one, but it is read, transformed and
// logged once. The result is valid until the next call.
func (f *Fold) compose(changes []protocol.Change) []mention {
	f.mentions = f.mentions[:0]
	clear(f.places)
	var effects map[int]conflict.Effect // of objects with several changes, by their place
	for _, c := range changes {
		key := ObjectKey(c.Table, c.Key)
		place, again := f.places[key]
		if !again {
			f.places[key] = len(f.mentions)
			f.mentions = append(f.mentions, mention{key, c})
			continue
		}
		effect, ok := effects[place]
		if !ok {
			effect = effect.Then(f.mentions[place].change)
		}
		if effects == nil {
			effects = map[int]conflict.Effect{}
		}
		effects[place] = effect.Then(c)
	}
	for place, effect := range effects {
		c := &f.mentions[place].change
		*c, _ = effect.Change(c.Table, c.Key)
	}
	return f.mentions
}

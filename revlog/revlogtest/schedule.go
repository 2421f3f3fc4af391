package revlogtest

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"syncabled/revlog/revlogtest/dexie"
)

// A Schedule says what kind of history [Converge] plays. Equal schedules give
// equal histories on logs that keep their promises.
type Schedule struct {
	Seed    uint64
	Clients int
	Edits   int // of all users together
	Keys    int // objects that they are interested in
	Before  int // edits before the first connection

	Threshold int // changes in a client's message, 0 for any number
	PageSize  int // changes in a server's message, 0 for the default
	Removals  bool

	Readers int // clients that may not change anything, though their users try; the last ones
}

// NewSchedule draws a schedule.
func NewSchedule(seed uint64) Schedule {
	rng := rand.New(rand.NewPCG(seed, 1))
	return Schedule{
		Seed:      seed,
		Clients:   1 + rng.IntN(4),
		Edits:     1 + rng.IntN(40),
		Keys:      1 + rng.IntN(3),
		Before:    rng.IntN(3) * rng.IntN(4),
		Threshold: rng.IntN(2) * (1 + rng.IntN(3)),
		PageSize:  rng.IntN(2) * (1 + rng.IntN(3)),
		Removals:  rng.IntN(4) == 0,
		Readers:   rng.IntN(2) * rng.IntN(3),
	}
}

// edit makes a random user do something, and says what.
func (s Schedule) edit(rng *rand.Rand, c *dexie.Client) string {
	key := string(rune('a' + rng.IntN(s.Keys)))
	_, exists := c.Table()[key]
	switch kind := rng.IntN(10); {
	case !exists && kind < 8:
		obj := s.object(rng, key)
		c.Put(key, obj)
		return fmt.Sprintf("creates %s: %s", key, dexie.Encode(obj))
	case kind == 0 || !exists:
		c.Delete(key)
		return "deletes " + key
	case kind == 1:
		c.Delete(key)
		obj := s.object(rng, key)
		c.Put(key, obj)
		return fmt.Sprintf("creates %s anew: %s", key, dexie.Encode(obj))
	case kind == 2 && s.Removals:
		obj := s.object(rng, key)
		c.Put(key, obj)
		return fmt.Sprintf("puts over %s: %s", key, dexie.Encode(obj))
	}
	path := s.path(rng)
	value := s.value(rng, strings.Count(path, "."))
	if !s.Removals && hasObject(c.Table()[key], path) {
		value = 0 // an object in its place would remove properties
	}
	c.Assign(key, path, dexie.Decode(dexie.Encode(value)))
	return fmt.Sprintf("sets %s of %s to %s", path, key, dexie.Encode(value))
}

// hasObject reports whether there is an object at a path.
func hasObject(value any, path string) bool {
	for step := range strings.SplitSeq(path, ".") {
		members, ok := value.(map[string]any)
		if !ok {
			return false
		}
		value = members[step]
	}
	_, ok := value.(map[string]any)
	return ok
}

func (s Schedule) object(rng *rand.Rand, key string) any {
	obj := map[string]any{"id": key}
	for range rng.IntN(3) {
		obj[s.step(rng)] = s.value(rng, 0)
	}
	return dexie.Decode(dexie.Encode(obj))
}

// path draws a key path of up to three steps. There are few, so that they meet.
func (s Schedule) path(rng *rand.Rand) string {
	path := s.step(rng)
	for range rng.IntN(3) {
		path += "." + s.step(rng)
	}
	return path
}

func (s Schedule) step(rng *rand.Rand) string { return string(rune('x' + rng.IntN(2))) }

// value draws a value at a depth: often one that says which it is, sometimes
// one that key paths treat specially.
func (s Schedule) value(rng *rand.Rand, depth int) any {
	switch kind := rng.IntN(10); {
	case kind == 0:
		return nil
	case kind == 1:
		return []any{0, false, ""}[rng.IntN(3)]
	case kind == 2:
		return []any{rng.IntN(100)}
	case kind < 6 && depth < 3:
		obj := map[string]any{}
		for range rng.IntN(3) {
			obj[s.step(rng)] = s.value(rng, depth+1)
		}
		return obj
	}
	return 1 + rng.IntN(1000)
}

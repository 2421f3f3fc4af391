package server_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// A modelClient is a browser with one app, and a user of it.
type modelClient struct {
	world     *world
	name      string
	rng       *rand.Rand
	threshold int // partialsThreshold
	db        *database
	page      atomic.Pointer[page] // the last one, nil if there was none
	dialled   int
	offline   atomic.Pointer[time.Time] // no connection gets through until then

	user     atomic.Int64 // who is logged in
	readOnly atomic.Bool
	naming   string // how it names its tables, "" if it names no tables
	borrowed string // the grant of an intruder

	tears atomic.Pointer[time.Duration] // how long it is closed when it has crashed between the next batch and its position; nil if it does not
	torn  int                           // crashes between a batch and its position

	special *rand.Rand                 // for what JSON cannot say; nil if it has none
	tokens  int                        // values that its user made up
	left    map[string]map[string]bool // states of objects that its user's edits have left behind
	edits   int
	undone  int // edits that a batch has undone

	named, forgot bool // it has been given its name, and crashed before it had stored that

	soleWriter bool   // nobody else may change anything
	lost       losses // if it is
}

func (c *modelClient) trace(format string, args ...any) {
	if c.world.traces {
		c.world.trace("%s: %s", c.name, fmt.Sprintf(format, args...))
	}
}

// open opens the app.
func (c *modelClient) open() {
	p := &page{client: c, db: c.db, rng: rand.New(rand.NewPCG(c.rng.Uint64(), 2))}
	c.page.Store(p)
	p.after(0, func() {
		c.trace("opens the app")
		if c.db.node == nil {
			p.node = newSyncNode()
		} else {
			p.node = c.db.node.clone()
		}
		p.connect()
		p.cleanUp()
	})
}

// crash ends the page, and reports whether there was one. Its connections are
// closed by the operating system, or just go silent.
func (c *modelClient) crash(silently bool) (crashed bool) {
	p := c.page.Load()
	p.task(func() {
		crashed = true
		p.crash(silently)
	})
	return crashed
}

func (p *page) crash(silently bool) {
	p.client.trace("crashes")
	p.dead = true
	if p.node != nil && p.db.node != nil && p.node.applied != p.db.node.applied {
		p.client.torn++
	}
	for _, s := range p.sockets {
		switch {
		case s.wire == nil:
		case silently:
			s.wire.silence(&s.wire.up)
			s.wire.silence(&s.wire.down)
		default:
			s.wire.hangUp()
		}
	}
}

// tear ends the page if that is due: it has stored a batch, and not its position
// after that, which Dexie.Syncable saves in a transaction of its own.
func (p *page) tear() {
	c := p.client
	closed := c.tears.Swap(nil)
	if closed == nil {
		return
	}
	p.crash(false)
	time.AfterFunc(*closed, c.open)
}

// liveWires returns the connections that the network still has.
func (c *modelClient) liveWires() []*wire {
	var wires []*wire
	c.page.Load().task(func() {
		for _, s := range c.page.Load().sockets {
			if s.isLive() {
				wires = append(wires, s.wire)
			}
		}
	})
	return wires
}

// edit begins a transaction in which the user changes something.
func (c *modelClient) edit(seed uint64) {
	c.page.Load().task(func() {
		c.page.Load().transaction(func() {
			c.special = rand.New(rand.NewPCG(seed, 9))
			if c.editObjects(rand.New(rand.NewPCG(seed, 3))) {
				c.page.Load().changed()
			}
		})
	})
}

// editObjects changes some objects at random. It reports whether anything has
// changed.
func (c *modelClient) editObjects(rng *rand.Rand) bool {
	before := c.db.rev
	for range 1 + rng.IntN(3) {
		c.editObject(rng)
	}
	return c.db.rev != before
}

func (c *modelClient) editObject(rng *rand.Rand) {
	tables := c.db.tables
	t := pick(rng, tables[0], tables[0], tables[0], tables[len(tables)-1])
	key := modelKeys[t.name][rng.IntN(len(modelKeys[t.name]))]
	obj, exists := t.objects[key]
	was, revision := text(obj), c.db.rev
	switch {
	case c.mergesWithTwin(t.name, key):
		return
	case !exists:
		c.db.put(t.name, key, c.newObject(t, key, rng), false)
	case rng.IntN(6) == 0:
		c.db.delete(t.name, key, false)
	case c.world.settings.deep && rng.IntN(8) == 0:
		c.db.update(t.name, key, mods{{"c", tooDeep}}, false)
	case c.world.settings.forbidden && c.oneOf(8):
		c.db.update(t.name, key, mods{{"a", c.newValue(rng, 0)}, {prototype + ".x", true}}, false)
	default:
		c.db.update(t.name, key, c.newMods(t, key, rng), false)
	}
	if c.db.rev == revision {
		return
	}
	c.edits++
	id := t.name + " " + key
	if c.left[id] == nil {
		c.left[id] = map[string]bool{}
	}
	c.left[id][was] = true
	delete(c.left[id], text(t.objects[key]))
	last := c.db.log[len(c.db.log)-1]
	c.trace("edits: %s (local %d)", text(last.change), last.rev)
}

// modelDepth is the nesting that the server allows. What the model makes up at
// random does not reach it.
const modelDepth = 8

// tooDeep is a value that is over that limit.
var tooDeep = parsed(strings.Repeat("[", modelDepth) + strings.Repeat("]", modelDepth))

func (c *modelClient) newObject(t *table, key string, rng *rand.Rand) map[string]any {
	obj := map[string]any{}
	for _, path := range []string{"a", "b", "c"} {
		if rng.IntN(3) > 0 {
			obj[path] = c.newValue(rng, 2)
		}
	}
	if c.oneOf(3) {
		obj["f"] = c.newSpecial()
	}
	if t.inbound {
		obj["id"] = parsed(key)
	}
	return obj
}

var modelPaths = []string{"a", "b", "c", "a.x", "a.y", "b.x", "a.x.p", "a.x.q"}

// arrayPaths lead into arrays, where there are some.
var arrayPaths = []string{"c.0", "c.1", "c.1.x", "c.3", "b.0", "a.x.1"}

func (c *modelClient) newMods(t *table, key string, rng *rand.Rand) mods {
	var m mods
	for range 1 + rng.IntN(2) {
		path := modelPaths[rng.IntN(len(modelPaths))]
		if c.oneOf(4) {
			path = pick(c.special, arrayPaths...)
		}
		if c.canSet(m, t, key, path) {
			m.set(path, c.newValue(rng, 2))
		}
	}
	if c.oneOf(3) {
		if path := pick(c.special, specialPaths...); c.canSet(m, t, key, path) {
			m.set(path, c.newSpecial())
		}
	}
	return m
}

// canSet reports whether the assignments of an update may have one more.
func (c *modelClient) canSet(m mods, t *table, key, path string) bool {
	overlaps := slices.ContainsFunc(m, func(other mod) bool {
		return path == other.path || strings.HasPrefix(path, other.path+".") || strings.HasPrefix(other.path, path+".")
	})
	return !overlaps && !c.isLostInMerge(t, key, path)
}

// isLostInMerge reports whether Dexie.Syncable may lose an update: it merges what
// it has not sent, and then forgets what was set below a path that was set to
// something falsy.
func (c *modelClient) isLostInMerge(t *table, key, path string) bool {
	for i, r := range path {
		if r != '.' {
			continue
		}
		if parent, ok := getByKeyPath(t.objects[key], path[:i]); ok && isFalsy(parent) && c.mayMerge(t.name, key) {
			return true
		}
	}
	return false
}

func (c *modelClient) mayMerge(table, key string) bool {
	return slices.ContainsFunc(c.db.log, func(l logged) bool {
		return l.Table == table && string(l.Key) == key && c.mayBeUnsent(l)
	})
}

// mergesWithTwin reports whether Dexie.Syncable would merge a change with one of
// another object: it takes keys of the same string form for one.
func (c *modelClient) mergesWithTwin(table, key string) bool {
	form := stringForm(key)
	return slices.ContainsFunc(c.db.log, func(l logged) bool {
		return l.Table == table && string(l.Key) != key && c.mayBeUnsent(l) && stringForm(string(l.Key)) == form
	})
}

func (c *modelClient) mayBeUnsent(l logged) bool {
	stored := -1
	if c.db.node != nil {
		stored = c.db.node.myRevision
	}
	if p := c.page.Load(); p != nil && p.node != nil {
		stored = min(stored, p.node.myRevision)
	}
	return !l.remote && l.rev > stored
}

// newValue makes up a value: mostly one that there has never been.
func (c *modelClient) newValue(rng *rand.Rand, depth int) any {
	switch rng.IntN(10) {
	case 0:
		return nil
	case 1:
		return float64(rng.IntN(2))
	case 2:
		array := []any{float64(rng.IntN(3))}
		for c.oneOf(2) {
			array = append(array, pick(c.special, any(nil), any(float64(1)), any("s"), any(map[string]any{"x": float64(0)}), any([]any{})))
		}
		return array
	case 3, 4, 5:
		if depth == 0 {
			break
		}
		obj := map[string]any{}
		for _, name := range []string{"x", "y", "p"} {
			if rng.IntN(2) == 0 {
				obj[name] = c.newValue(rng, depth-1)
			}
		}
		if c.oneOf(6) {
			obj["f"] = c.newSpecial()
		}
		return obj
	}
	c.tokens++
	return fmt.Sprintf("%s%d", c.name, c.tokens)
}

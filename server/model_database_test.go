package server_test

import (
	"encoding/json"
	"maps"
	"slices"
)

// A database is what a client has in IndexedDB. It outlives its pages.
type database struct {
	tables      []*table
	log         []logged  // _changes
	uncommitted []change  // _uncommittedChanges
	node        *syncNode // of _syncNodes; nil until it is stored for the first time
	rev         int       // that the last change in the log got
	replaced    int       // objects that batches put or deleted as a whole
}

// A table holds objects by the JSON of their keys.
type table struct {
	name    string
	inbound bool // the key is the property "id" of the objects
	objects map[string]map[string]any
}

// A change is one of the wire.
type change struct {
	Type  int             `json:"type"`
	Table string          `json:"table"`
	Key   json.RawMessage `json:"key"`
	Obj   map[string]any  `json:"obj,omitzero"`
	Mods  mods            `json:"mods,omitzero"`
}

const (
	create = 1
	update = 2
	remove = 3
)

// logged is a change as Dexie.Observable logs it.
type logged struct {
	change
	rev    int
	remote bool // it came from the server
}

// newDatabase returns an empty database. The keys of a table all sort behind
// those of the table before it: with partialsThreshold, Dexie.Syncable resumes an
// initial upload in a table from the key at which it left the table before.
func newDatabase() *database {
	return &database{tables: []*table{
		{name: "notes", inbound: true, objects: map[string]map[string]any{}},
		{name: "a:b", inbound: false, objects: map[string]map[string]any{}},
	}}
}

// modelKeys are the keys that users give to objects, by table.
var modelKeys = map[string][]string{
	"notes": {`1`, `2`, `2.5`, `"1"`, `"ü"`},
	"a:b":   {`["o",1]`, `["o",["x",2]]`},
}

func (d *database) table(name string) *table {
	return d.tables[slices.IndexFunc(d.tables, func(t *table) bool { return t.name == name })]
}

// keysAfter returns the keys of a table behind one, or all of them, in order.
func (t *table) keysAfter(key string) []string {
	keys := slices.SortedFunc(maps.Keys(t.objects), compareKeys)
	return slices.DeleteFunc(keys, func(k string) bool { return key != "" && compareKeys(k, key) <= 0 })
}

// record appends to the change log.
func (d *database) record(c change, remote bool) {
	d.rev++
	d.log = append(d.log, logged{c, d.rev, remote})
}

// deleteOldChanges is the function of that name.
func (d *database) deleteOldChanges(below int) {
	d.log = slices.DeleteFunc(d.log, func(l logged) bool { return l.rev < below })
}

// put is Table.put of a whole object. If all that changes is what JSON does not say,
// it is not logged.
func (d *database) put(name, key string, obj map[string]any, remote bool) {
	objects := d.table(name).objects
	old, exists := objects[key]
	if exists && remote {
		d.replaced++
	}
	objects[key] = clone(obj).(map[string]any)
	if exists && text(old) == text(obj) {
		return
	}
	d.record(change{Type: create, Table: name, Key: json.RawMessage(key), Obj: clone(obj).(map[string]any)}, remote)
}

// update is Table.update. What JSON does not tell from before is not logged.
func (d *database) update(name, key string, changes mods, remote bool) {
	obj, exists := d.table(name).objects[key]
	if !exists {
		return
	}
	var changed mods
	for _, m := range changes {
		if old, ok := getByKeyPath(obj, m.path); !ok || text(old) != text(m.value) {
			changed.set(m.path, clone(m.value))
		}
	}
	for _, m := range changes {
		setByKeyPath(obj, m.path, clone(m.value))
	}
	if len(changed) > 0 {
		d.record(change{Type: update, Table: name, Key: json.RawMessage(key), Mods: changed}, remote)
	}
}

// delete is Table.delete.
func (d *database) delete(name, key string, remote bool) {
	objects := d.table(name).objects
	if _, exists := objects[key]; exists {
		if remote {
			d.replaced++
		}
		delete(objects, key)
		d.record(change{Type: remove, Table: name, Key: json.RawMessage(key)}, remote)
	}
}

// applyChanges is the function of that name: of each table first what is created,
// then what is updated, then what is deleted.
func (d *database) applyChanges(changes []change) {
	for _, t := range d.tables {
		for _, kind := range []int{create, update, remove} {
			of := slices.DeleteFunc(slices.Clone(changes), func(c change) bool { return c.Table != t.name || c.Type != kind })
			switch kind {
			case create:
				d.bulkPut(t, of)
			case update:
				d.bulkUpdate(t, of)
			case remove:
				d.bulkDelete(t, of)
			}
		}
	}
}

func (d *database) bulkPut(t *table, changes []change) {
	for _, c := range changes {
		key := string(c.Key)
		if t.inbound {
			key = text(c.Obj["id"])
		}
		d.put(t.name, key, c.Obj, true)
	}
}

// bulkUpdate is the function of that name. It takes keys of the same string form
// for one.
func (d *database) bulkUpdate(t *table, changes []change) {
	if !t.inbound { // the objects come out under keys of their own
		for _, c := range changes {
			d.put(t.name, text("update of "+string(c.Key)), map[string]any{}, true)
		}
		return
	}
	found := map[string]string{}
	for _, key := range t.keysAfter("") {
		if slices.ContainsFunc(changes, func(c change) bool { return string(c.Key) == key }) {
			found[stringForm(key)] = key
		}
	}
	for _, c := range changes {
		if key, ok := found[stringForm(string(c.Key))]; ok {
			d.update(t.name, key, c.Mods, true)
		}
	}
}

func (d *database) bulkDelete(t *table, changes []change) {
	for _, c := range changes {
		d.delete(t.name, string(c.Key), true)
	}
}

// contents returns the text of every object.
func (d *database) contents() map[string]string {
	contents := map[string]string{}
	for _, t := range d.tables {
		for key, obj := range t.objects {
			contents[t.name+" "+key] = text(obj)
		}
	}
	return contents
}

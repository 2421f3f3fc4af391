package server_test

import (
	"math"
	"slices"
	"strings"
)

// This file is getLocalChangesForNode of Dexie.Syncable: which changes a client
// sends next, and with which base.

// A syncNode is Dexie.Syncable's bookkeeping for a server.
type syncNode struct {
	identity    string   // syncContext.clientIdentity
	myRevision  int      // last local change that the server has; -1 before the initial upload
	applied     revision // appliedRemoteRevision; none before the first batch
	bases       []remoteBase
	uploadState *uploadState // dbUploadState: how far an initial upload has come
	withinSet   bool         // syncContext.isWithinSet
	status      int
}

// A revision of the server is the text of any JSON value. Dexie.Syncable stores what
// comes and sends it back, and never looks into it.
type revision string

const none revision = "null"

// MarshalJSON returns the value.
func (r revision) MarshalJSON() ([]byte, error) { return []byte(r), nil }

// UnmarshalJSON takes in any value.
func (r *revision) UnmarshalJSON(b []byte) error {
	*r = revision(b)
	return nil
}

// A remoteBase says which local change was the last one when a batch had been
// applied.
type remoteBase struct {
	remote revision
	local  int
}

type uploadState struct {
	tablesToUpload    []string
	currentTable      string
	currentKey        string
	localBaseRevision int
}

func newSyncNode() *syncNode {
	return &syncNode{myRevision: -1, applied: none}
}

func (n *syncNode) clone() *syncNode {
	c := *n
	c.bases = slices.Clone(n.bases)
	if n.uploadState != nil {
		c.uploadState = n.uploadState.clone()
	}
	return &c
}

func (u *uploadState) clone() *uploadState {
	c := *u
	c.tablesToUpload = slices.Clone(u.tablesToUpload)
	return &c
}

// An upload is the next message of changes. onAck are the nodeModificationsOnAck.
type upload struct {
	changes []change
	base    revision
	partial bool
	onAck   nodeModifications
}

type nodeModifications struct {
	setsRevision, setsState bool
	myRevision              int
	state                   *uploadState
}

func (m nodeModifications) apply(n *syncNode) {
	if m.setsRevision {
		n.myRevision = m.myRevision
	}
	if m.setsState {
		n.uploadState = m.state
	}
}

// baseRevisionAndMax is getBaseRevisionAndMaxClientRevision.
func (n *syncNode) baseRevisionAndMax() (base revision, most int) {
	if len(n.bases) == 0 {
		return none, math.MaxInt
	}
	for i, b := range slices.Backward(n.bases) {
		if n.myRevision < b.local {
			continue
		}
		if i == len(n.bases)-1 {
			return b.remote, math.MaxInt
		}
		return b.remote, n.bases[i+1].local
	}
	return none, n.bases[0].local
}

// localChanges is getLocalChangesForNode_autoAckIfEmpty.
func (p *page) localChanges(then func(upload)) {
	p.localChangesForNode(func(u upload) {
		if len(u.changes) == 0 && u.onAck.setsRevision && u.onAck.myRevision != p.node.myRevision {
			u.onAck.apply(p.node)
			p.save()
			p.localChanges(then)
			return
		}
		then(u)
	})
}

func (p *page) localChangesForNode(then func(upload)) {
	n := p.node
	switch {
	case n.myRevision >= 0:
		p.changesSince(n.myRevision, p.threshold(), then)
	case n.uploadState == nil:
		p.transaction(func() {
			state := &uploadState{localBaseRevision: p.db.rev}
			for _, t := range p.db.tables {
				state.tablesToUpload = append(state.tablesToUpload, t.name)
			}
			state.currentTable, state.tablesToUpload = state.tablesToUpload[0], state.tablesToUpload[1:]
			p.tableObjects(state, nil, "", then)
		})
	default:
		p.tableObjects(n.uploadState.clone(), nil, n.uploadState.currentKey, then)
	}
}

// tableObjects is getTableObjectsAsChanges.
func (p *page) tableObjects(state *uploadState, changes []change, after string, then func(upload)) {
	p.transaction(func() {
		t := p.db.table(state.currentTable)
		for _, key := range t.keysAfter(after) {
			if len(changes) == p.threshold() {
				then(upload{changes: changes, base: none, partial: true, onAck: nodeModifications{setsState: true, state: state}})
				return
			}
			changes = append(changes, change{Type: create, Table: t.name, Key: []byte(key), Obj: clone(t.objects[key]).(map[string]any)})
			state.currentKey = key
		}
		if len(state.tablesToUpload) > 0 {
			state.currentTable, state.tablesToUpload = state.tablesToUpload[0], state.tablesToUpload[1:]
			p.tableObjects(state, changes, "", then)
			return
		}
		p.changesSince(state.localBaseRevision, p.threshold()-len(changes), func(u upload) {
			u.changes = append(changes, u.changes...)
			u.onAck.setsState, u.onAck.state = true, nil
			then(u)
		})
	})
}

// changesSince is getChangesSinceRevision. It looks at its bookkeeping before the
// transaction begins. If a batch is being committed just then, and the user's next
// change is already waiting behind that, then this change goes out with the base
// before the batch, although it was made on top.
func (p *page) changesSince(after, most int, then func(upload)) {
	base, maxRevision := p.node.baseRevisionAndMax()
	p.transaction(func() {
		u := p.db.changesSince(after, most, maxRevision)
		u.base = base
		then(u)
	})
}

func (d *database) changesSince(after, most, maxRevision int) upload {
	u := upload{onAck: nodeModifications{setsRevision: true, myRevision: after}}
	place := map[string]int{}
	for _, c := range d.log {
		if c.rev <= after || c.rev > maxRevision {
			continue
		}
		if len(u.changes) == most {
			u.partial = true
			break
		}
		u.onAck.myRevision = c.rev
		if c.remote {
			continue
		}
		id := c.Table + ":" + stringForm(string(c.Key))
		if i, ok := place[id]; ok {
			u.changes[i] = mergeChange(u.changes[i], c.change)
			continue
		}
		place[id] = len(u.changes)
		u.changes = append(u.changes, c.change)
	}
	return u
}

// mergeChange is the function of that name.
func mergeChange(before, next change) change {
	switch {
	case before.Type == remove && next.Type != create:
		return before
	case next.Type != update:
		return next
	case before.Type == create:
		merged := before
		merged.Obj = clone(before.Obj).(map[string]any)
		for _, m := range next.Mods {
			setByKeyPath(merged.Obj, m.path, clone(m.value))
		}
		return merged
	}
	return combineUpdateAndUpdate(before, next)
}

func combineUpdateAndUpdate(before, next change) change {
	merged := before
	merged.Mods = before.Mods.clone()
	for _, m := range next.Mods {
		hadParent := false
		for _, old := range before.Mods {
			if rest, ok := strings.CutPrefix(m.path, old.path+"."); ok {
				if i := merged.Mods.find(old.path); i >= 0 {
					merged.Mods[i].value = setByKeyPath(merged.Mods[i].value, rest, clone(m.value))
				}
				hadParent = true
			}
		}
		if !hadParent {
			merged.Mods.set(m.path, clone(m.value))
		}
		merged.Mods = slices.DeleteFunc(merged.Mods, func(old mod) bool {
			return strings.HasPrefix(old.path, m.path+".") && before.Mods.find(old.path) >= 0
		})
	}
	return merged
}

package server

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"sync"

	"syncabled/protocol"
	"syncabled/revlog"
)

// This file is about the tables that clients say they have. Nothing of others is sent to
// them: to a client that gets a change for a table it does not have, the whole batch is
// lost.
//
// A client can name its tables in subscribe, in clientIdentity, and in the URL of the
// connection. What counts is what it says last, because that is the most deliberate: the
// URL is also the name that Dexie.Syncable knows the server by.

// A tableSet is a list of tables that sessions share. A nil one is all tables.
type tableSet struct {
	names map[string]struct{}
	list  []string // the same, in order

	sessions int // that have it; guarded by the mu of its tableSets
}

// sorted returns the tables in order, nil for all.
func (t *tableSet) sorted() []string {
	if t == nil {
		return nil
	}
	return t.list
}

// all returns the tables in the form of a query, nil for all.
func (t *tableSet) all() map[string]struct{} {
	if t == nil {
		return nil
	}
	return t.names
}

// hasAll reports whether all of some tables are among them.
func (t *tableSet) hasAll(tables []string) bool {
	if t == nil {
		return true
	}
	for _, table := range tables {
		if _, has := t.names[table]; !has {
			return false
		}
	}
	return true
}

// tableSets are the lists of tables of all sessions. The clients of an app have the same
// one, of which there may be ten thousand.
type tableSets struct {
	mu   sync.Mutex
	sets map[string]*tableSet
}

func newTableSets() *tableSets { return &tableSets{sets: map[string]*tableSet{}} }

// take returns the set of some names, to be released; nil for nil.
func (t *tableSets) take(names []string) *tableSet {
	if names == nil {
		return nil
	}
	names = revlog.SortTables(slices.Clone(names))
	key := tablesKey(names)
	t.mu.Lock()
	defer t.mu.Unlock()
	set := t.sets[key]
	if set == nil {
		set = &tableSet{names: make(map[string]struct{}, len(names)), list: names}
		for i, name := range names {
			names[i] = strings.Clone(name) // not to keep the message, or the URL
			set.names[names[i]] = struct{}{}
		}
		t.sets[key] = set
	}
	set.sessions++
	return set
}

// release lets go of a set. The last one that does forgets it.
func (t *tableSets) release(set *tableSet) {
	if set == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if set.sessions--; set.sessions == 0 {
		delete(t.sets, tablesKey(set.list))
	}
}

func tablesKey(sorted []string) string {
	var key []byte
	for _, name := range sorted {
		key = append(binary.AppendUvarint(key, uint64(len(name))), name...)
	}
	return string(key)
}

// announceTables tells the log which tables the client has that subscribes from a
// position. The receipt says which of them it is to be given anew. The pushing side does
// that: what it takes of a stack, an idle connection does not keep.
func (s *session) announceTables(ctx context.Context, position protocol.Revision) (revlog.Receipt, error) {
	s.tables, s.named = s.server.tables.take(s.named), nil
	names := s.tables.sorted()
	if names == nil && s.isNew && s.predecessor == "" {
		return revlog.Receipt{}, nil
	}
	had, err := s.db.log.Tables(ctx, s.identity)
	if err != nil {
		return revlog.Receipt{}, err
	}
	if had.Serves(names, position) && (s.predecessor == "" || had != (revlog.Tables{})) {
		return revlog.Receipt{}, nil
	}
	if s.grant.ReadOnly {
		if !s.server.restraint.allows(s.grant.Subject) {
			return revlog.Receipt{}, unrestrained
		}
		s.server.restraint.count(s.grant.Subject, 1)
	}
	return s.db.log.Submit(ctx, revlog.Subscribe{
		Client:      s.identity,
		Base:        position,
		Tables:      names,
		Time:        s.server.config.Now(),
		Arrived:     s.arrived,
		Predecessor: s.predecessor,
	})
}

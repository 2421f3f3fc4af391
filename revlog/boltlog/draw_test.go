package boltlog_test

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"syncabled/protocol"
	"syncabled/revlog"
)

// What random histories are made of: few objects, few key paths, so that they
// meet, and values that say where they come from.

func (m *machine) drawGroup(t *rapid.T) []revlog.Set {
	var group []revlog.Set
	for range rapid.IntRange(1, 3).Draw(t, "sets") {
		group = append(group, m.drawSet(t))
	}
	// Of the last one it can be seen in the log which objects it has marked.
	group[len(group)-1].ReadOnly = rapid.IntRange(0, 4).Draw(t, "read only") == 0
	return group
}

// drawSet draws the next set of a client, or one that it sent before.
func (m *machine) drawSet(t *rapid.T) revlog.Set {
	if len(m.said) > 0 && rapid.IntRange(0, 9).Draw(t, "again") == 0 {
		return rapid.SampledFrom(m.said).Draw(t, "set")
	}
	set := revlog.Set{
		Client:  rapid.SampledFrom(clients).Draw(t, "client"),
		Base:    protocol.Revision(rapid.IntRange(0, int(m.ref.head())).Draw(t, "base")),
		Sent:    protocol.Revision(rapid.IntRange(0, int(m.ref.head())).Draw(t, "sent")),
		Partial: rapid.IntRange(0, 3).Draw(t, "partial") == 0,
		Time:    time.Unix(1_800_000_000, 0).Add(time.Duration(m.counter) * time.Hour),
	}
	for range rapid.IntRange(1, 4).Draw(t, "changes") {
		set.Changes = append(set.Changes, m.drawChange(t))
	}
	m.said = append(m.said, set)
	return set
}

func (m *machine) drawChange(t *rapid.T) protocol.Change {
	object := rapid.SampledFrom([]struct {
		table string
		key   protocol.Key
		id    string // member of the object that holds the key, if one does
	}{
		{"in", `"k"`, `"id":"k",`},
		{"auto", `1`, ``},
		{"out", `"k"`, ``},
	}).Draw(t, "object")
	change := protocol.Change{Table: object.table, Key: object.key}
	switch rapid.IntRange(0, 9).Draw(t, "type") {
	case 0:
		change.Type = protocol.Delete
	case 1, 2, 3:
		change.Type = protocol.Create
		m.counter++
		change.Obj = fmt.Appendf(nil, `{%s"made":%d,"n":0,"x":%s}`, object.id, m.counter, m.drawValue(t))
	default:
		change.Type = protocol.Update
		change.Mods = m.drawMods(t)
	}
	return change
}

func (m *machine) drawMods(t *rapid.T) []byte {
	mods := []byte{'{'}
	seen := map[string]bool{}
	for range rapid.IntRange(1, 3).Draw(t, "paths") {
		path := rapid.SampledFrom([]string{"x", "y", "x.x", "x.y", "x.x.x", "x.0", "x.1.y", "n", "n.x"}).Draw(t, "path")
		if seen[path] {
			continue
		}
		seen[path] = true
		if len(mods) > 1 {
			mods = append(mods, ',')
		}
		mods = fmt.Appendf(mods, `"%s":%s`, path, m.drawValue(t))
	}
	return append(mods, '}')
}

// drawValue draws a value: one that says which it is, or one that key paths
// treat specially.
func (m *machine) drawValue(t *rapid.T) string {
	m.counter++
	return rapid.SampledFrom([]string{
		fmt.Sprint(m.counter),
		fmt.Sprintf(`{"x":%d}`, m.counter),
		fmt.Sprintf(`{"y":{"x":%d}}`, m.counter),
		fmt.Sprintf(`[%d]`, m.counter),
		`{}`, `null`, `0`, `false`, `""`, `[]`,
	}).Draw(t, "value")
}

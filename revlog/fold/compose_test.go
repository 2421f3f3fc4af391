package fold

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"syncabled/protocol"
	"syncabled/revlog"
)

// drawChange draws a change of one of few objects and few key paths, so that they meet.
func drawChange(t *rapid.T, n int) protocol.Change {
	c := protocol.Change{
		Type:  rapid.SampledFrom([]protocol.ChangeType{protocol.Create, protocol.Update, protocol.Update, protocol.Update, protocol.Delete}).Draw(t, "type"),
		Table: "t",
		Key:   rapid.SampledFrom([]protocol.Key{`1`, `"k"`, `"out"`}).Draw(t, "key"),
	}
	id := ""
	if c.Key != `"out"` {
		id = `"id":` + string(c.Key) + `,`
	}
	switch c.Type {
	case protocol.Create:
		c.Obj = fmt.Appendf(nil, `{%s"a":{"x":%d},"list":[%d]}`, id, n, n)
	case protocol.Update:
		paths := []string{"a", "a.x", "a.y", "b", "list.0", "list.3", "c.d.e"}
		var mods []string
		for _, path := range rapid.SliceOfNDistinct(rapid.SampledFrom(paths), 1, 2, rapid.ID[string]).Draw(t, "paths") {
			mods = append(mods, fmt.Sprintf(`%q:%s`, path, rapid.SampledFrom([]string{fmt.Sprint(n), fmt.Sprintf(`{"x":%d}`, n), `null`}).Draw(t, "value")))
		}
		c.Mods = []byte("{" + strings.Join(mods, ",") + "}")
	}
	return c
}

// decoded returns objects whose members have no order.
func decoded(t interface{ Fatal(...any) }, values map[string]string) map[string]any {
	all := map[string]any{}
	for key, value := range values {
		var v any
		if err := json.Unmarshal([]byte(value), &v); err != nil {
			t.Fatal(err)
		}
		all[key] = v
	}
	return all
}

// TestComposedIsOneByOne: objects end the same whether changes come in one message or
// each in its own, with the same base.
func TestComposedIsOneByOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var others, mine []protocol.Change
		for n := range rapid.IntRange(0, 6).Draw(t, "others") {
			others = append(others, drawChange(t, n))
		}
		for n := range rapid.IntRange(1, 8).Draw(t, "mine") {
			mine = append(mine, drawChange(t, 100+n))
		}
		before := rapid.IntRange(0, len(others)).Draw(t, "known")
		values := func(sets func(base protocol.Revision) []revlog.Command) map[string]any {
			m, f := newMemory(), New()
			mustCommit(t, m, f, revlog.Set{Client: "b", Changes: others[:before]})
			base, _ := m.Head()
			for _, c := range others[before:] {
				mustCommit(t, m, f, revlog.Set{Client: "b", Base: base, Changes: []protocol.Change{c}})
			}
			mustCommit(t, m, f, sets(base)...)
			return decoded(t, m.values())
		}
		composed := values(func(base protocol.Revision) []revlog.Command {
			return []revlog.Command{revlog.Set{Client: "a", Base: base, Changes: mine}}
		})
		oneByOne := values(func(base protocol.Revision) (sets []revlog.Command) {
			for _, c := range mine {
				sets = append(sets, revlog.Set{Client: "a", Base: base, Changes: []protocol.Change{c}})
			}
			return sets
		})
		if !reflect.DeepEqual(composed, oneByOne) {
			t.Errorf("composed: %v\none by one: %v", composed, oneByOne)
		}
	})
}

func mustCommit(t interface{ Fatal(...any) }, m *memory, f *Fold, group ...revlog.Command) []revlog.Receipt {
	receipts, err := m.commit(f, group...)
	if err != nil {
		t.Fatal(err)
	}
	return receipts
}

// TestRememberedEffectsAreRight: a fold that remembers what histories amount to and one
// that does not add the same entries.
func TestRememberedEffectsAreRight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		remembering, forgetful := New(), New()
		remembering.minRemembered, forgetful.minRemembered = 1, 1<<30
		one, other := newMemory(), newMemory()
		for n := range rapid.IntRange(1, 30).Draw(t, "groups") {
			var group []revlog.Command
			for range rapid.IntRange(1, 2).Draw(t, "sets") {
				head := len(one.entries)
				set := revlog.Set{
					Client:   rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "client"),
					Base:     protocol.Revision(rapid.IntRange(0, min(head, 3)).Draw(t, "base")),
					Sent:     protocol.Revision(rapid.IntRange(0, head).Draw(t, "sent")),
					ReadOnly: rapid.IntRange(0, 5).Draw(t, "read only") == 0,
				}
				for range rapid.IntRange(1, 3).Draw(t, "changes") {
					set.Changes = append(set.Changes, drawChange(t, n))
				}
				group = append(group, set)
			}
			mustCommit(t, one, remembering, group...)
			mustCommit(t, other, forgetful, group...)
			if rapid.IntRange(0, 9).Draw(t, "fails") == 0 { // a group whose commit fails leaves nothing
				failed := newMemory()
				*failed = *one
				failed.entries = slices.Clip(failed.entries)
				if err := remembering.Begin(failed); err != nil {
					t.Fatal(err)
				}
				if _, err := remembering.Apply(revlog.Set{Client: "d", Changes: []protocol.Change{drawChange(t, n)}}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if !reflect.DeepEqual(one.entries, other.entries) {
			t.Errorf("with what is remembered: %+v\nwithout: %+v", one.entries, other.entries)
		}
	})
}

// TestLongHistoryIsReadOnce: many sets with an old base read a long history once.
func TestLongHistoryIsReadOnce(t *testing.T) {
	const entries, sets = 5_000, 200
	m, f := newMemory(), New()
	counter := func(client string, base protocol.Revision, n int) revlog.Set {
		mods := fmt.Appendf(nil, `{"n":%d}`, n)
		return revlog.Set{Client: client, Base: base, Sent: base, Changes: []protocol.Change{{Type: protocol.Update, Table: "t", Key: `"k"`, Mods: mods}}}
	}
	mustCommit(t, m, f, revlog.Set{Client: "b", Changes: []protocol.Change{{Type: protocol.Create, Table: "t", Key: `"k"`, Obj: []byte(`{"id":"k"}`)}}})
	for n := range entries {
		mustCommit(t, m, f, counter("b", protocol.Revision(n+1), n))
	}
	m.read = 0
	for n := range sets {
		set := counter("a", 1, n)
		set.Sent = entries / 2
		set.Changes[0].Mods = fmt.Appendf(nil, `{"mine":%d}`, n)
		mustCommit(t, m, f, set)
	}
	if m.read > 4*(entries+sets*sets) {
		t.Errorf("%d entries were read for %d sets after a history of %d", m.read, sets, entries)
	}
}

// What the updates of one message make is bounded, and those of the next message begin
// anew.
func TestMadeBytes(t *testing.T) {
	m, f := newMemory(), New()
	large := func(key string) protocol.Change {
		return protocol.Change{Type: protocol.Update, Table: "t", Key: protocol.Key(key), Mods: []byte(`{"list.999":1}`)}
	}
	for _, key := range []string{"1", "2", "3"} {
		mustCommit(t, m, f, revlog.Set{Client: "a", Changes: []protocol.Change{{Type: protocol.Create, Table: "t", Key: protocol.Key(key), Obj: []byte(`{"list":[]}`)}}})
	}
	set := revlog.Set{Client: "a", Base: 3, Changes: []protocol.Change{large("1"), large("2"), large("3")}, Limits: revlog.Limits{MadeBytes: 12_000}}
	mustCommit(t, m, f, set)
	grown := 0
	for _, obj := range m.objects {
		if len(obj.Value) > 1000 {
			grown++
		}
	}
	if result := f.Result(); grown != 2 || len(result.Refused) != 1 || !strings.Contains(result.Refused[0].Reason, "over the limit of 12000") {
		t.Errorf("%d objects have grown, %+v were refused", grown, result.Refused)
	}
	set.Changes = []protocol.Change{large("3")}
	if mustCommit(t, m, f, set); len(f.Result().Refused) != 0 {
		t.Errorf("the next message has no room: %+v", f.Result().Refused)
	}
}

// TestWorkOfOneMessageIsBounded: updates that fill an array of an object that is logged
// whole, in a message of 2 KB, make one entry.
func TestWorkOfOneMessageIsBounded(t *testing.T) {
	m, f := newMemory(), New()
	object := protocol.Change{Type: protocol.Create, Table: "t", Key: `"out"`, Obj: []byte(`{"list":[]}`)}
	mustCommit(t, m, f, revlog.Set{Client: "a", Changes: []protocol.Change{object}})
	set := revlog.Set{Client: "a", Base: 1}
	for i := range 40 {
		mods := fmt.Appendf(nil, `{"list.%d":1}`, 60_000+i)
		set.Changes = append(set.Changes, protocol.Change{Type: protocol.Update, Table: "t", Key: `"out"`, Mods: mods})
	}
	mustCommit(t, m, f, set)
	logged := 0
	for _, e := range f.Result().Entries {
		logged += len(e.Change.Obj) + len(e.Change.Mods)
	}
	if len(f.Result().Entries) != 1 || logged > 400_000 {
		t.Errorf("%d entries with %d bytes", len(f.Result().Entries), logged)
	}
}

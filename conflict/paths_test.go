package conflict_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"syncabled/conflict"
	"syncabled/protocol"
)

// Whatever was assigned at some paths, what Of returns for them undoes it.
func TestPathsUndoAssignments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawState.Draw(t, "obj")
		var paths conflict.Paths
		got := want
		for range rapid.IntRange(1, 3).Draw(t, "updates") {
			mods := drawMods.Draw(t, "mods")
			paths.Add(mods, math.MaxInt)
			got = conflict.Apply(got, protocol.Change{Type: protocol.Update, Mods: mods})
		}
		mods, ok := paths.Of(want)
		if !ok {
			return
		}
		requireSame(t, "object", want, conflict.Apply(got, protocol.Change{Type: protocol.Update, Mods: mods}))
		requireApart(t, mods)
	})
}

// The paths of mods that were made of paths are the same paths.
func TestPathsSurviveTheirMods(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		obj := drawState.Draw(t, "obj")
		var paths, again conflict.Paths
		paths.Add(drawMods.Draw(t, "mods"), math.MaxInt)
		paths.Add(drawMods.Draw(t, "more mods"), math.MaxInt)
		mods := paths.AppendMods(nil)
		again.Add(mods, math.MaxInt)
		requireApart(t, mods)
		want, ok := paths.Of(obj)
		got, same := again.Of(obj)
		if ok != same || string(want) != string(got) {
			t.Fatalf("of %s: %s and %s", obj, want, got)
		}
	})
}

// requireApart checks that no path of mods is under another one.
func requireApart(t *rapid.T, mods []byte) {
	t.Helper()
	var seen [][]string
	for path := range protocol.Members(mods) {
		steps := protocol.Steps(path)
		for _, other := range seen {
			n := min(len(steps), len(other))
			if slices.Equal(steps[:n], other[:n]) {
				t.Fatalf("%q is under, or above, %q", steps, other)
			}
		}
		seen = append(seen, steps)
	}
}

func TestPathsOf(t *testing.T) {
	for _, test := range []struct {
		name, paths, obj, want string // want is empty if the paths say nothing
	}{
		{"a property", `{"a":1}`, `{"a":"x","b":"y"}`, `{"a":"x"}`},
		{"below a property", `{"a.b":1}`, `{"a":{"b":2,"c":3}}`, `{"a.b":2}`},
		{"in a list", `{"a.1":1}`, `{"a":[1,2,3]}`, `{"a.1":2}`},
		{"beyond the end of a list", `{"a.3":1,"a.0":1}`, `{"a":[1,2,3]}`, `{"a":[1,2,3]}`},
		{"no element", `{"a.x":1}`, `{"a":[1]}`, `{"a":[1]}`},
		{"below what is no container", `{"a.b.c":1}`, `{"a":{"b":"x"}}`, `{"a.b":"x"}`},
		{"where nothing is, next to what is", `{"a.b":1,"a.c":1}`, `{"a":{"b":2}}`, `{"a":{"b":2}}`},
		{"missing", `{"a":1}`, `{"b":2}`, ``},
		{"one of two is missing", `{"a":1,"b":1}`, `{"b":2}`, ``},
		{"below what is missing", `{"a.b":1}`, `{}`, ``},
		{"of no object", `{"a":1}`, `[1]`, ``},
		{"under another path", `{"a.b":1,"a":1}`, `{"a":{"b":2}}`, `{"a":{"b":2}}`},
		{"a dot at the end", `{"a.":1}`, `{"a":2}`, `{"a":2}`},
		{"no paths", `{}`, `{"a":2}`, `{}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var paths conflict.Paths
			paths.Add([]byte(test.paths), math.MaxInt)
			if mods, _ := paths.Of([]byte(test.obj)); string(mods) != test.want {
				t.Errorf("got %s, want %s", mods, test.want)
			}
		})
	}
}

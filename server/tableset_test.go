package server

import (
	"fmt"
	"slices"
	"testing"
)

// The clients of an app share one list, however many there are and in whatever order they
// name the tables.
func TestTableSetsAreShared(t *testing.T) {
	sets := newTableSets()
	const clients = 10_000
	var held []*tableSet
	for i := range clients {
		names := []string{"todos", "lists", "", "todos"}
		if i%2 == 0 {
			slices.Reverse(names)
		}
		held = append(held, sets.take(names))
	}
	other := sets.take([]string{"todos", "lists", "list", "s"})
	for _, set := range held {
		if set != held[0] || set == other {
			t.Fatal("a list is not the same one, or another one is")
		}
	}
	if got, want := fmt.Sprintf("%q", held[0].sorted()), `["" "lists" "todos"]`; got != want {
		t.Errorf("the tables are %s, want %s", got, want)
	}
	if len(sets.sets) != 2 {
		t.Errorf("%d lists are kept, want 2", len(sets.sets))
	}
	for _, set := range append(held, other, nil) {
		sets.release(set)
	}
	if len(sets.sets) != 0 {
		t.Errorf("%d lists are kept of nobody", len(sets.sets))
	}
}

func TestTableSetHasAll(t *testing.T) {
	sets := newTableSets()
	for _, test := range []struct {
		set    []string
		tables []string
		want   bool
	}{
		{nil, []string{"a"}, true},
		{[]string{}, nil, true},
		{[]string{}, []string{"a"}, false},
		{[]string{"a", "b"}, []string{"b", "a"}, true},
		{[]string{"a", "b"}, []string{"b", "c"}, false},
	} {
		if got := sets.take(test.set).hasAll(test.tables); got != test.want {
			t.Errorf("%q has %q: %v", test.set, test.tables, got)
		}
	}
}

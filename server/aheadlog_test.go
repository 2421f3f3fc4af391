package server

import (
	"fmt"
	"maps"
	"testing"

	"github.com/rs/zerolog"
)

// Many clients that are ahead do not take up memory without bound, and those of one
// database do not hide those of another.
func TestAheadLogIsBounded(t *testing.T) {
	l := newAheadLog(zerolog.Nop())
	for i := range mostAhead + 5000 {
		l.note(clientName{"notes", fmt.Sprint(i)})
	}
	for i := range 5 {
		l.note(clientName{"lists", fmt.Sprint(i)})
	}
	if n := len(l.clients); n != mostAhead {
		t.Errorf("%d clients are known, want %d", n, mostAhead)
	}
	if got, want := l.counts(), map[string]int{"notes": mostAhead, "lists": 1}; !maps.Equal(got, want) {
		t.Errorf("counted %v, want %v", got, want)
	}
}

package fold

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"syncabled/protocol"
)

// A heldView is a view of which only what is held is asked.
type heldView struct {
	View
	parts   []Part
	visited *int
}

func (v heldView) EachHeld(_ uint64, visit func(*Part) error) error {
	for _, p := range v.parts {
		*v.visited++
		if err := visit(&p); err != nil {
			return err
		}
	}
	return nil
}

// unheardAtOnce is addUnheard with all messages of the set at hand.
func unheardAtOnce(parts []Part) []string {
	r := &repairs{}
	if parts[0].Connection == parts[len(parts)-1].Connection {
		return nil
	}
	mentioned := map[string]bool{}
	for i := len(parts) - 1; i >= 0; i-- {
		last := i+1 < len(parts) && parts[i].Connection != parts[i+1].Connection
		for _, change := range parts[i].Changes {
			key := ObjectKey(change.Table, change.Key)
			if last && change.Type == protocol.Create && !mentioned[key] {
				r.add(key, WholeDoubt())
			}
		}
		for _, change := range parts[i].Changes {
			mentioned[ObjectKey(change.Table, change.Key)] = true
		}
	}
	return r.keys
}

func drawParts(t *rapid.T) []Part {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Part {
		p := Part{Connection: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "connection")}
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			p.Changes = append(p.Changes, protocol.Change{
				Type:  rapid.SampledFrom([]protocol.ChangeType{protocol.Create, protocol.Create, protocol.Update, protocol.Delete}).Draw(t, "type"),
				Table: "t",
				Key:   protocol.Key(fmt.Sprint(rapid.IntRange(1, 5).Draw(t, "key"))),
			})
		}
		return p
	}), 1, 8).Draw(t, "parts")
}

// To look at one message after the other finds the same as to look at all of them.
func TestUnheardMessageByMessage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := drawParts(t)
		held, last := parts[:len(parts)-1], parts[len(parts)-1]
		stored := rapid.IntRange(0, len(held)).Draw(t, "stored")
		visited := 0
		f := New()
		f.view = heldView{parts: held[:stored], visited: &visited}
		h := &HeldDelta{Stored: stored, Added: held[stored:]}
		r := &repairs{}
		if err := f.addUnheard(1, h, &last, r); err != nil {
			t.Fatal(err)
		}
		if want := unheardAtOnce(parts); !slices.Equal(r.keys, want) {
			t.Errorf("got %q, want %q", r.keys, want)
		}
		if parts[0].Connection == last.Connection && visited > 1 {
			t.Errorf("%d messages were read of a set of one connection", visited)
		}
	})
}

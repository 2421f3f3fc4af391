package revlogtest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"syncabled/protocol"
	"syncabled/revlog"
)

// Create returns a CREATE. The key is what json.Marshal makes of it.
func Create(table string, key any, obj string) protocol.Change {
	return protocol.Change{Type: protocol.Create, Table: table, Key: Key(key), Obj: []byte(obj)}
}

// Update returns an UPDATE.
func Update(table string, key any, mods string) protocol.Change {
	return protocol.Change{Type: protocol.Update, Table: table, Key: Key(key), Mods: []byte(mods)}
}

// Delete returns a DELETE.
func Delete(table string, key any) protocol.Change {
	return protocol.Change{Type: protocol.Delete, Table: table, Key: Key(key)}
}

// Key returns a key: an int, a string or a slice of those.
func Key(key any) protocol.Key {
	text, err := json.Marshal(key)
	if err != nil {
		panic(err)
	}
	canonical, refused := protocol.ParseKey(text)
	if refused != nil {
		panic(refused)
	}
	return canonical
}

// WantChanges checks that two lists hold the same changes, in any order. JSON is
// compared by meaning, numbers by their literals.
func WantChanges(tb testing.TB, got []protocol.Change, want ...protocol.Change) {
	tb.Helper()
	if diff := gocmp.Diff(readable(want), readable(got)); diff != "" {
		tb.Errorf("changes (-want +got):\n%s", diff)
	}
}

// readable returns changes as sorted lines, with the members of objects sorted.
func readable(changes []protocol.Change) []string {
	lines := make([]string, 0, len(changes))
	for _, c := range changes {
		lines = append(lines, fmt.Sprintf("%s %q %s %s", c.Type, c.Table, c.Key, canonical(cmp.Or(string(c.Obj), string(c.Mods)))))
	}
	slices.Sort(lines)
	return lines
}

// canonical sorts the members of objects. What is not JSON stays as it is.
func canonical(text string) string {
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		return text
	}
	sorted, _ := json.Marshal(value)
	return string(sorted)
}

// wantReceipt checks what became of a set.
func wantReceipt(tb testing.TB, got, want revlog.Receipt) {
	tb.Helper()
	if diff := gocmp.Diff(want, got); diff != "" {
		tb.Errorf("receipt (-want +got):\n%s", diff)
	}
}

package revlog_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"syncabled/protocol"
	"syncabled/revlog"
)

// A namer is what is true of a client that names tables: of each table, what its last
// batch that reached it brought. It is kept as plainly as can be.
type namer struct {
	position protocol.Revision
	has      map[string]bool // that it has and was given
}

var tableNames = []string{"", "a", "b", "ab", "\xed\xa0\x80", "é"}

// A client names tables, is given what the log says is new or is cut off before, and may
// come back with an older position. It has all that it names whenever it was not cut off.
func TestTablesSayWhatAClientLacks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var tables revlog.Tables
		head := protocol.Revision(1)
		client := namer{has: map[string]bool{}}
		stored := []namer{client} // what it had when its positions were stored
		for range rapid.IntRange(1, 12).Draw(t, "subscriptions") {
			head += protocol.Revision(rapid.IntRange(0, 3).Draw(t, "more"))
			if rapid.IntRange(0, 5).Draw(t, "back") == 0 {
				stored = stored[:rapid.IntRange(1, len(stored)).Draw(t, "stored")]
				client = stored[len(stored)-1]
			}
			names := drawNames(t)
			serves := tables.Serves(names, client.position)
			next, anew, all := tables.Next(names, client.position, head, head+1)
			if changes := next != tables || anew != nil || all; serves == changes {
				t.Fatalf("%q at %d of %+v: Serves says %v, Next %q %v %v", names, client.position, tables.Names(), serves, next.Names(), anew, all)
			}
			tables = wantTables(t, next, names)
			if anew != nil || all {
				head++
			}
			if rapid.Bool().Draw(t, "cut") {
				continue
			}
			client = client.receive(names, anew, all, head)
			stored = append(stored, client)
			for _, name := range names {
				if !client.has[name] {
					t.Fatalf("%q is missing at %d", name, client.position)
				}
			}
			if names == nil && len(client.has) != len(tableNames) {
				t.Fatalf("all are named, and there are %v", client.has)
			}
		}
	})
}

// receive returns the client after a batch up to head. Of tables that it does not name
// it is sent nothing, so what it has of them is of no use any more.
func (n namer) receive(names []string, anew map[string]protocol.Revision, all bool, head protocol.Revision) namer {
	next := namer{head, map[string]bool{}}
	if names == nil {
		names = tableNames
	}
	for _, name := range names {
		_, given := anew[name]
		if given || all || n.position == 0 || n.has[name] {
			next.has[name] = true
		}
	}
	return next
}

func drawNames(t *rapid.T) []string {
	if rapid.IntRange(0, 4).Draw(t, "unnamed") == 0 {
		return nil
	}
	return revlog.SortTables(append([]string{}, rapid.SliceOfN(rapid.SampledFrom(tableNames), 0, 5).Draw(t, "names")...))
}

// wantTables checks that tables are those named, and come out of their bytes as they are.
func wantTables(t *rapid.T, got revlog.Tables, names []string) revlog.Tables {
	if !slices.Equal(got.Names(), names) || (names == nil) != got.IsAll() {
		t.Fatalf("got the tables %q, want %q", got.Names(), names)
	}
	again, err := revlog.ParseTables(got.Encoded())
	if err != nil || again != got {
		t.Fatalf("%q is parsed as %q, %v", got.Encoded(), again.Encoded(), err)
	}
	latest := protocol.Revision(0)
	for _, name := range tableNames {
		since, named, has := got.Of(name)
		if want := names == nil || slices.Contains(names, name); has != want || since > 0 && named > since {
			t.Fatalf("of %q it says %d, %d, %v", name, since, named, has)
		}
		if s, n, h := got.Index()(name); s != since || n != named || h != has {
			t.Fatalf("of %q the index says %d, %d, %v, want %d, %d, %v", name, s, n, h, since, named, has)
		}
		if !has && since+named > 0 {
			t.Fatalf("of %q, which the client does not have, it says %d and %d", name, since, named)
		}
		latest = max(latest, since)
	}
	if got.Latest() != latest {
		t.Fatalf("the latest is %d, want %d", got.Latest(), latest)
	}
	return got
}

func TestTablesOfOneListAreEqual(t *testing.T) {
	var all []revlog.Tables
	for range 2 {
		next, anew, everything := revlog.Tables{}.Next([]string{"a", "b"}, 7, 0, 8)
		if anew != nil || everything {
			t.Error("who has never named a table had all")
		}
		all = append(all, next)
	}
	if all[0] != all[1] || all[0] == (revlog.Tables{}) {
		t.Errorf("got %+v", all)
	}
}

// A table comes with the head before the client changed anything of it, as of the first
// time that it was named.
func TestTablesSayWhenTheyWereNamed(t *testing.T) {
	tables, _, _ := revlog.Tables{}.Next([]string{"a"}, 0, 0, 1)
	for i, want := range []protocol.Revision{5, 5} { // the second time it has not got the batch
		next, anew, _ := tables.Next([]string{"a", "b"}, 3, protocol.Revision(5+i), protocol.Revision(8+i))
		if diff := cmp.Diff(map[string]protocol.Revision{"b": want}, anew); diff != "" {
			t.Errorf("the %d. time it is given (-want +got):\n%s", i+1, diff)
		}
		tables = next
	}
	if since, named, has := tables.Of("b"); since != 9 || named != 5 || !has {
		t.Errorf("it has the table since %d, named at %d, %v", since, named, has)
	}
}

func FuzzParseTables(f *testing.F) {
	mixed, _, _ := revlog.Tables{}.Next([]string{"a"}, 0, 0, 1)
	mixed, _, _ = mixed.Next([]string{"a", "b"}, 300, 300, 301)
	all, _, _ := mixed.Next(nil, 300, 300, 302)
	for _, seed := range []string{"", mixed.Encoded(), all.Encoded(), "\x00\x01", "\x00\x00", "\x01\x01\x00\x00\x01a", "\x01\x00x"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, encoded []byte) {
		tables, err := revlog.ParseTables(encoded)
		if err != nil {
			return
		}
		if string(encoded) != tables.Encoded() {
			t.Fatalf("%q comes out as %q", encoded, tables.Encoded())
		}
		names := tables.Names()
		if !slices.IsSorted(names) || !tables.Serves(names, protocol.MaxRevision) && tables.Latest() < protocol.MaxRevision {
			t.Fatalf("the tables %q", names)
		}
		next, anew, everything := tables.Next(names, max(1, tables.Latest()), 0, tables.Latest()+1)
		if next != tables && fmt.Sprint(next.Names()) != fmt.Sprint(names) || anew != nil || everything {
			t.Fatalf("%q becomes %q, with %v anew", encoded, next.Encoded(), slices.Sorted(maps.Keys(anew)))
		}
	})
}

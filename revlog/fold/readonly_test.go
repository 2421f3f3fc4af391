package fold

import (
	"fmt"
	"testing"

	"syncabled/protocol"
	"syncabled/revlog"
)

// A busyView is a view with one object, which client 2 has updated many times.
type busyView struct {
	entries protocol.Revision
	marked  protocol.Revision // the one of these that is a mark for client 1, if any
	read    *int              // entries
}

func (v busyView) Head() (protocol.Revision, error)         { return v.entries, nil }
func (v busyView) Client(string) (Client, error)            { return Client{Number: 1}, nil }
func (v busyView) LastClient() (uint64, error)              { return 2, nil }
func (v busyView) HeldCount(uint64) (int, error)            { return 0, nil }
func (v busyView) EachHeld(uint64, func(*Part) error) error { return nil }
func (v busyView) Object(string) (Object, error) {
	return Object{Last: v.entries, Owner: 2, Value: []byte(`{"n":0}`)}, nil
}

func (v busyView) Entry(rev protocol.Revision) (revlog.Entry, error) {
	*v.read++
	if rev == v.marked {
		return revlog.Entry{Revision: rev, Previous: rev - 1, Client: 1, Change: protocol.Change{Type: revlog.MarkRepair, Table: "t", Key: "1"}}, nil
	}
	change := protocol.Change{Type: protocol.Update, Table: "t", Key: "1", Mods: fmt.Appendf(nil, `{"n":%d}`, rev)}
	return revlog.Entry{Revision: rev, Previous: rev - 1, Client: 2, Change: change}, nil
}

// Of a client that may only read nothing more is computed of an object that is going to
// be repaired, or has its mark already.
func TestReaderOfBusyObjectCostsOneRepair(t *testing.T) {
	const entries, changes = 1000, 200
	for name, row := range map[string]struct {
		marked protocol.Revision
		want   int // marks
	}{"no mark": {0, 1}, "a mark": {1, 0}} {
		t.Run(name, func(t *testing.T) {
			read := 0
			f := New()
			if err := f.Begin(busyView{entries, row.marked, &read}); err != nil {
				t.Fatal(err)
			}
			set := revlog.Set{Client: "reader", ReadOnly: true}
			for i := range changes {
				set.Changes = append(set.Changes, protocol.Change{Type: protocol.Update, Table: "t", Key: "1", Mods: fmt.Appendf(nil, `{"own":%d}`, i)})
			}
			receipt, err := f.Apply(set)
			if err != nil {
				t.Fatal(err)
			}
			if receipt.Appended != row.want || f.Result().Outcome.Repaired != row.want {
				t.Errorf("%d entries were appended, want %d marks", receipt.Appended, row.want)
			}
			if read > 4*entries {
				t.Errorf("%d entries were read, and the object has %d", read, entries)
			}
		})
	}
}

package fold

import (
	"maps"

	"syncabled/protocol"
	"syncabled/revlog"
)

// A memory is a log without a file: the state that folds build on, in maps.
type memory struct {
	entries []revlog.Entry
	objects map[string]Object
	clients map[string]Client
	held    map[uint64][]Part
	last    uint64
	read    int // entries that were asked for
}

func newMemory() *memory {
	return &memory{objects: map[string]Object{}, clients: map[string]Client{}, held: map[uint64][]Part{}}
}

// commit resolves commands as one group and takes in what they add.
func (m *memory) commit(f *Fold, group ...revlog.Command) ([]revlog.Receipt, error) {
	if err := f.Begin(m); err != nil {
		return nil, err
	}
	var receipts []revlog.Receipt
	for _, c := range group {
		receipt, err := f.Apply(c)
		if err != nil {
			return nil, err
		}
		receipts = append(receipts, receipt)
	}
	result := f.Result()
	m.entries = append(m.entries, result.Entries...)
	maps.Copy(m.objects, result.Objects)
	maps.Copy(m.clients, result.Clients)
	m.last = result.LastClient
	for client, delta := range result.Held {
		if delta.Dropped {
			delete(m.held, client)
		}
		m.held[client] = append(m.held[client], delta.Added...)
	}
	return receipts, nil
}

// values returns the objects that are there.
func (m *memory) values() map[string]string {
	values := map[string]string{}
	for key, obj := range m.objects {
		if obj.Value != nil {
			values[key] = string(obj.Value)
		}
	}
	return values
}

func (m *memory) Head() (protocol.Revision, error) { return protocol.Revision(len(m.entries)), nil }

func (m *memory) Entry(rev protocol.Revision) (revlog.Entry, error) {
	m.read++
	return m.entries[rev-1], nil
}

func (m *memory) Object(key string) (Object, error)      { return m.objects[key], nil }
func (m *memory) Client(identity string) (Client, error) { return m.clients[identity], nil }
func (m *memory) LastClient() (uint64, error)            { return m.last, nil }
func (m *memory) Held(client uint64) ([]Part, error)     { return m.held[client], nil }
func (m *memory) HeldCount(client uint64) (int, error)   { return len(m.held[client]), nil }

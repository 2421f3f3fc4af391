package boltlog

import (
	"bytes"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/fold"
)

// testKey is the key of the records that are not entries.
var testKey = []byte("key")

func TestRecordsRoundTrip(t *testing.T) {
	t.Run("entry", rapid.MakeCheck(func(t *rapid.T) {
		want := drawEntry(t)
		got, err := decodeEntry(revisionKey(want.Revision), seal(revisionKey(want.Revision), appendEntry(nil, want)))
		wantEqual(t, want, got, err)
	}))
	t.Run("object", rapid.MakeCheck(func(t *rapid.T) {
		want := drawObject(t)
		got, err := decodedObject(seal(testKey, appendObject(nil, want)))
		wantEqual(t, want, got, err)
	}))
	t.Run("part", rapid.MakeCheck(func(t *rapid.T) {
		want := drawPart(t)
		got, err := decodePart(testKey, seal(testKey, encodePart(want)))
		wantEqual(t, want, got, err)
	}))
	t.Run("client", rapid.MakeCheck(func(t *rapid.T) {
		revision := rapid.Custom(func(t *rapid.T) protocol.Revision { return protocol.Revision(rapid.Uint64().Draw(t, "revision")) })
		want := fold.Client{
			Number: rapid.Uint64().Draw(t, "number"),
			Hour:   rapid.Uint64().Draw(t, "hour"),
			Base:   revision.Draw(t, "base"),
			Resync: fold.Resync{From: revision.Draw(t, "from"), At: revision.Draw(t, "at")},
			Tables: drawTables(t),
		}
		got, err := decodeClient("key", seal(testKey, encodeClient(want)))
		wantEqual(t, want, got, err)
	}))
	t.Run("client of an older format", rapid.MakeCheck(func(t *rapid.T) {
		want := fold.Client{Number: rapid.Uint64().Draw(t, "number"), Hour: 1, Base: 2, Resync: fold.Resync{Own: true}, Confirmed: true}
		record := encodeClient(want)
		got, err := decodeClient("key", seal(testKey, record[:len(record)-2])) // without flags and tables
		wantEqual(t, want, got, err)
	}))
	t.Run("key of an object", rapid.MakeCheck(func(t *rapid.T) {
		c := drawChange(t)
		table, key := fold.SplitObjectKey(fold.ObjectKey(c.Table, c.Key))
		if table != c.Table || key != string(c.Key) {
			t.Errorf("got %q %q, want %q %q", table, key, c.Table, c.Key)
		}
	}))
}

// TestKeysOfObjectsAreApart: no two objects share a record.
func TestKeysOfObjectsAreApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawChange(t), drawChange(t)
		same := a.Table == b.Table && a.Key == b.Key
		if (fold.ObjectKey(a.Table, a.Key) == fold.ObjectKey(b.Table, b.Key)) != same {
			t.Errorf("%q %q and %q %q", a.Table, a.Key, b.Table, b.Key)
		}
	})
}

// TestDamageIsFound changes one byte of a record, or cuts it off.
func TestDamageIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for name, record := range map[string][]byte{
			"entry":  seal(revisionKey(1), appendEntry(nil, drawEntry(t))),
			"object": seal(testKey, appendObject(nil, drawObject(t))),
			"part":   seal(testKey, encodePart(drawPart(t))),
		} {
			flipped := bytes.Clone(record)
			flipped[rapid.IntRange(0, len(record)-1).Draw(t, "place")] ^= rapid.ByteMin(1).Draw(t, "bits")
			wantCorrupt(t, name, flipped)
			wantCorrupt(t, name, record[:rapid.IntRange(0, checksumSize).Draw(t, "length")])
			wantCorrupt(t, name, nil)
		}
	})
}

// TestShortRecordsAreFound cuts off records and seals them again, as a program
// with an error might have written them.
func TestShortRecordsAreFound(t *testing.T) {
	entry := appendEntry(nil, revlog.Entry{Revision: 1, Client: 2, Previous: 1, Change: protocol.Change{Type: protocol.Delete, Table: "items", Key: "7"}})
	for n := checksumSize; n < len(entry); n++ {
		wantCorrupt(t, "entry", seal(revisionKey(1), bytes.Clone(entry[:n])))
	}
	part := encodePart(fold.Part{Base: 3, Received: time.UnixMilli(5), Changes: []protocol.Change{{Type: protocol.Delete, Table: "items", Key: "7"}}})
	for n := checksumSize; n < len(part); n++ {
		if n == checksumSize+4 {
			continue // the end of a message without changes
		}
		wantCorrupt(t, "part", seal(testKey, bytes.Clone(part[:n])))
	}
	if _, err := decodeClient("key", seal(testKey, append(make([]byte, checksumSize), 1))); !errors.Is(err, errCorrupt) {
		t.Errorf("client: got error %v, want errCorrupt", err)
	}
}

// fuzzedBytes is as much of an input as the targets look at: to minimise one takes as many
// runs as the square of its length.
const fuzzedBytes = 128

func FuzzDecodeEntry(f *testing.F) {
	f.Add([]byte("\x01\x01\x00\x05items\x03\"k\"{}"))
	f.Add([]byte("\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, body []byte) {
		body = body[:min(len(body), fuzzedBytes)]
		_, _ = decodeEntry(revisionKey(1), body)
		e, err := decodeEntry(revisionKey(1), seal(revisionKey(1), append(make([]byte, checksumSize), body...)))
		if err != nil {
			return
		}
		again, err := decodeEntry(revisionKey(1), seal(revisionKey(1), appendEntry(nil, e)))
		if c := e.Change.Type; c == protocol.Create || c == protocol.Update {
			wantEqual(t, e, again, err)
		}
	})
}

func FuzzDecodeObject(f *testing.F) {
	f.Add([]byte("\x01\x01\x01{}"))
	f.Add([]byte("\x01\x01\x00"))
	f.Fuzz(func(t *testing.T, body []byte) {
		body = body[:min(len(body), fuzzedBytes)]
		_, _ = decodedObject(body)
		o, err := decodedObject(seal(testKey, append(make([]byte, checksumSize), body...)))
		if err != nil {
			return
		}
		again, err := decodedObject(seal(testKey, appendObject(nil, o)))
		wantEqual(t, o, again, err)
	})
}

func FuzzDecodePart(f *testing.F) {
	f.Add([]byte("\x01\x01\x01\x05items\x03\"k\"\x02{}\x03\x00\x017\x00"))
	f.Add([]byte("\x01\x01"))
	f.Fuzz(func(t *testing.T, body []byte) {
		body = body[:min(len(body), fuzzedBytes)]
		_, _ = decodePart(testKey, body)
		p, err := decodePart(testKey, seal(testKey, append(make([]byte, checksumSize), body...)))
		if err != nil {
			return
		}
		again, err := decodePart(testKey, seal(testKey, encodePart(p)))
		if err != nil || len(again.Changes) != len(p.Changes) {
			t.Errorf("got %+v, %v, want %+v", again, err, p)
		}
	})
}

func FuzzSplitObjectKey(f *testing.F) {
	f.Add("\x05items7")
	f.Fuzz(func(_ *testing.T, key string) { fold.SplitObjectKey(key[:min(len(key), fuzzedBytes)]) })
}

type failer interface {
	Helper()
	Errorf(format string, args ...any)
}

func wantEqual[T any](t failer, want, got T, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%v", err)
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(fold.Part{}), cmp.Comparer(time.Time.Equal)); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

func decodedObject(record []byte) (o fold.Object, err error) {
	err = decodeObject(&o, testKey, record)
	return o, err
}

func wantCorrupt(t failer, name string, record []byte) {
	t.Helper()
	var err error
	switch name {
	case "entry":
		_, err = decodeEntry(revisionKey(1), record)
	case "object":
		_, err = decodedObject(record)
	case "part":
		_, err = decodePart(testKey, record)
	}
	if !errors.Is(err, errCorrupt) {
		t.Errorf("%s %q: got error %v, want errCorrupt", name, record, err)
	}
}

func drawEntry(t *rapid.T) revlog.Entry {
	return revlog.Entry{Revision: drawRevision(t), Client: rapid.Uint64().Draw(t, "client"), Previous: drawRevision(t), Change: drawChange(t)}
}

func drawObject(t *rapid.T) fold.Object {
	o := fold.Object{Last: drawRevision(t), Owner: rapid.Uint64().Draw(t, "owner")}
	if rapid.Bool().Draw(t, "exists") {
		o.Value = drawJSON(t)
	}
	return o
}

func drawPart(t *rapid.T) fold.Part {
	p := fold.Part{Base: drawRevision(t), Received: time.UnixMilli(rapid.Int64().Draw(t, "received"))}
	for range rapid.IntRange(0, 4).Draw(t, "changes") {
		p.Changes = append(p.Changes, drawChange(t))
	}
	return p
}

func drawChange(t *rapid.T) protocol.Change {
	c := protocol.Change{
		Type:  rapid.SampledFrom([]protocol.ChangeType{protocol.Create, protocol.Update, protocol.Delete}).Draw(t, "type"),
		Table: rapid.SampledFrom([]string{"", "\x01", "\x011", "items", "\xed\xa0\x80", string(make([]byte, 200))}).Draw(t, "table"),
		Key:   rapid.SampledFrom([]protocol.Key{"1", "11", `"1"`, `["a",[1]]`, `""`}).Draw(t, "key"),
	}
	setPayload(&c, drawJSON(t))
	return c
}

func drawJSON(t *rapid.T) []byte {
	return []byte(rapid.SampledFrom([]string{`{}`, `null`, `0`, `{"a":"\ud800"}`, string(bytes.Repeat([]byte("1"), 300))}).Draw(t, "json"))
}

func drawRevision(t *rapid.T) protocol.Revision {
	return protocol.Revision(rapid.Uint64Max(math.MaxInt64).Draw(t, "revision"))
}

func drawTables(t *rapid.T) (tables revlog.Tables) {
	names := rapid.SliceOfN(rapid.StringN(0, 5, -1), 0, 4)
	for range rapid.IntRange(0, 3).Draw(t, "subscriptions") {
		position := protocol.Revision(rapid.Uint32().Draw(t, "position"))
		tables, _, _ = tables.Next(revlog.SortTables(names.Draw(t, "names")), position, position, position+1)
	}
	return tables
}

package revlog

import (
	"bytes"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"syncabled/protocol"
)

// testKey is the key of the records that are not entries.
var testKey = []byte("key")

func TestRecordsRoundTrip(t *testing.T) {
	t.Run("entry", rapid.MakeCheck(func(t *rapid.T) {
		want := drawEntry(t)
		got, err := decodeEntry(revisionKey(want.revision), seal(revisionKey(want.revision), want.encode()))
		wantEqual(t, want, got, err)
	}))
	t.Run("object", rapid.MakeCheck(func(t *rapid.T) {
		want := drawObject(t)
		got, err := decodeObject(testKey, seal(testKey, want.encode()))
		wantEqual(t, want, got, err)
	}))
	t.Run("part", rapid.MakeCheck(func(t *rapid.T) {
		want := drawPart(t)
		got, err := decodePart(testKey, seal(testKey, want.encode()))
		wantEqual(t, want, got, err)
	}))
	t.Run("client", rapid.MakeCheck(func(t *rapid.T) {
		revision := rapid.Custom(func(t *rapid.T) protocol.Revision { return protocol.Revision(rapid.Uint64().Draw(t, "revision")) })
		want := client{
			number: rapid.Uint64().Draw(t, "number"),
			hour:   rapid.Uint64().Draw(t, "hour"),
			base:   revision.Draw(t, "base"),
			resync: resync{from: revision.Draw(t, "from"), at: revision.Draw(t, "at")},
		}
		got, err := decodeClient("key", seal(testKey, want.encode()))
		wantEqual(t, want, got, err)
	}))
	t.Run("key of an object", rapid.MakeCheck(func(t *rapid.T) {
		c := drawChange(t)
		table, key := splitObjectKey(objectKey(c.Table, c.Key))
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
		if (objectKey(a.Table, a.Key) == objectKey(b.Table, b.Key)) != same {
			t.Errorf("%q %q and %q %q", a.Table, a.Key, b.Table, b.Key)
		}
	})
}

// TestDamageIsFound changes one byte of a record, or cuts it off.
func TestDamageIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for name, record := range map[string][]byte{
			"entry":  seal(revisionKey(1), drawEntry(t).encode()),
			"object": seal(testKey, drawObject(t).encode()),
			"part":   seal(testKey, drawPart(t).encode()),
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
	entry := entry{revision: 1, client: 2, previous: 1, change: protocol.Change{Type: protocol.Delete, Table: "items", Key: "7"}}.encode()
	for n := checksumSize; n < len(entry); n++ {
		wantCorrupt(t, "entry", seal(revisionKey(1), bytes.Clone(entry[:n])))
	}
	part := part{base: 3, received: time.UnixMilli(5), changes: []protocol.Change{{Type: protocol.Delete, Table: "items", Key: "7"}}}.encode()
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
		again, err := decodeEntry(revisionKey(1), seal(revisionKey(1), e.encode()))
		if c := e.change.Type; c == protocol.Create || c == protocol.Update {
			wantEqual(t, e, again, err)
		}
	})
}

func FuzzDecodeObject(f *testing.F) {
	f.Add([]byte("\x01\x01\x01{}"))
	f.Add([]byte("\x01\x01\x00"))
	f.Fuzz(func(t *testing.T, body []byte) {
		body = body[:min(len(body), fuzzedBytes)]
		_, _ = decodeObject(testKey, body)
		o, err := decodeObject(testKey, seal(testKey, append(make([]byte, checksumSize), body...)))
		if err != nil {
			return
		}
		again, err := decodeObject(testKey, seal(testKey, o.encode()))
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
		again, err := decodePart(testKey, seal(testKey, p.encode()))
		if err != nil || len(again.changes) != len(p.changes) {
			t.Errorf("got %+v, %v, want %+v", again, err, p)
		}
	})
}

func FuzzSplitObjectKey(f *testing.F) {
	f.Add("\x05items7")
	f.Fuzz(func(_ *testing.T, key string) { splitObjectKey(key[:min(len(key), fuzzedBytes)]) })
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
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(entry{}, object{}, part{}, client{}, resync{}), cmp.Comparer(time.Time.Equal)); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

func wantCorrupt(t failer, name string, record []byte) {
	t.Helper()
	var err error
	switch name {
	case "entry":
		_, err = decodeEntry(revisionKey(1), record)
	case "object":
		_, err = decodeObject(testKey, record)
	case "part":
		_, err = decodePart(testKey, record)
	}
	if !errors.Is(err, errCorrupt) {
		t.Errorf("%s %q: got error %v, want errCorrupt", name, record, err)
	}
}

func drawEntry(t *rapid.T) entry {
	return entry{revision: drawRevision(t), client: rapid.Uint64().Draw(t, "client"), previous: drawRevision(t), change: drawChange(t)}
}

func drawObject(t *rapid.T) object {
	o := object{last: drawRevision(t), owner: rapid.Uint64().Draw(t, "owner")}
	if rapid.Bool().Draw(t, "exists") {
		o.value = drawJSON(t)
	}
	return o
}

func drawPart(t *rapid.T) part {
	p := part{base: drawRevision(t), received: time.UnixMilli(rapid.Int64().Draw(t, "received"))}
	for range rapid.IntRange(0, 4).Draw(t, "changes") {
		p.changes = append(p.changes, drawChange(t))
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

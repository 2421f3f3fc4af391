package protocol_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"syncabled/protocol"
)

// A message is long for the fuzzer, which would minimise each that is new for seconds.
func TestMain(m *testing.M) {
	_ = flag.Set("test.fuzzminimizetime", "1000x") // unless the command line says otherwise
	os.Exit(m.Run())
}

// fuzzedBytes is as much of an input as the targets look at. To minimise an input takes as
// many runs as the square of its length, so with long ones the fuzzer does little else.
// They are cut and not skipped: what leads to a skip would be minimised in vain as well.
const fuzzedBytes = 256

func cut(input []byte) []byte { return input[:min(len(input), fuzzedBytes)] }

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"type":"clientIdentity","clientIdentity":null}`,
		`{"type":"subscribe","syncedRevision":17}`,
		`{"type":"changes","changes":[{"type":1,"table":"t","key":"k","obj":{"a":[1.0,"\ud800"]}}],"partial":true,"first":true,"baseRevision":3,"requestId":1}`,
		`{"type":"clientIdentity","clientIdentity":"c","tables":["a","\ud800","a",""]}`,
		`{"type":"subscribe","syncedRevision":17,"tables":[]}`,
		`{"type":"subscribe","tables":["a",1]}`,
		`{"type":"changes","changes":[{"type":2,"table":"t","key":[1,"a"],"mods":{"a.b.":null}},{"type":3,"table":"","key":1e-7}],"requestId":2}`,
		` [ "\\" ] `,
		`{"type":"changes","changes":[{"type":1,"table":"t","key":{}},{"type":3,"table":"t","key":1}],"requestId":0}`,
		`{"type":"ping"}`,
		`{"type":"é\u00e9\ud83d\ude00"`,
	} {
		f.Add([]byte(seed))
	}
	limits := protocol.Limits{Depth: 20, Changes: 10}.WithDefaults()
	f.Fuzz(func(t *testing.T, frame []byte) {
		frame = cut(frame)
		msg, err := protocol.Decode(frame, limits)
		if err != nil {
			requireText(t, protocol.AppendError(nil, err))
			return
		}
		if !json.Valid(frame) || !utf8.Valid(frame) {
			t.Fatalf("accepted as %#v", msg)
		}
		switch msg := msg.(type) {
		case protocol.ClientIdentity:
			out := protocol.AppendIdentity(nil, msg.Identity)
			requireText(t, out)
			requireTables(t, msg.Tables)
			msg.Tables = nil
			requireDecodes(t, out, msg)
		case protocol.Changes:
			requireText(t, protocol.AppendAck(nil, msg.RequestID))
			requireText(t, protocol.AppendChanges(nil, msg.Changes, msg.Base, msg.Partial))
			requireDecodes(t, asClientSends(msg), msg)
		case protocol.Subscribe:
			if msg.Synced > protocol.MaxRevision {
				t.Fatalf("revision %d", msg.Synced)
			}
			requireTables(t, msg.Tables)
		}
	})
}

// asClientSends encodes a message of changes the way a client does, with the changes that
// were refused behind the others.
func asClientSends(msg protocol.Changes) []byte {
	frame := protocol.AppendList([]byte(`{"type":"changes","changes":[`), msg.Changes)
	for i, refused := range msg.Refused {
		if i > 0 || len(msg.Changes) > 0 {
			frame = append(frame, ',')
		}
		frame = append(frame, refused.Change...)
	}
	return fmt.Appendf(frame, `],"partial":%t,"first":%t,"requestId":%s,"baseRevision":%d}`, msg.Partial, msg.First, msg.RequestID, msg.Base)
}

// requireTables fails unless tables can be named.
func requireTables(t *testing.T, tables []string) {
	t.Helper()
	if len(tables) > protocol.MaxTables {
		t.Fatalf("%d tables", len(tables))
	}
	for _, table := range tables {
		requireText(t, protocol.AppendQuote(nil, table))
	}
}

// requireText fails unless out may be sent as a text frame.
func requireText(t *testing.T, out []byte) {
	t.Helper()
	if !json.Valid(out) || !utf8.Valid(out) {
		t.Fatalf("not valid JSON in UTF-8: %q", out)
	}
}

func requireDecodes(t *testing.T, frame []byte, want protocol.Message) {
	t.Helper()
	got, err := protocol.Decode(frame, protocol.Limits{}.WithDefaults())
	if err != nil {
		t.Fatalf("decode %s: %v", frame, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("decoded again (-want +got):\n%s", diff)
	}
}

func FuzzParseKey(f *testing.F) {
	for _, seed := range []string{`"a\u0000\ud800"`, `[1.50,"\"",[ ]]`, `-0`, `1e21`, `1e-7`, `123456789012345678`, `[[[{}]]]`, `"\ud83d\ude00"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		text = cut(text)
		if !json.Valid(text) || !utf8.Valid(text) || text[0] <= ' ' || text[len(text)-1] <= ' ' {
			t.Skip()
		}
		key, err := protocol.ParseKey(text)
		if err != nil {
			requireText(t, protocol.AppendError(nil, err))
			return
		}
		requireText(t, []byte(key))
		again, err := protocol.ParseKey([]byte(key))
		if err != nil || again != key {
			t.Fatalf("ParseKey(%s) = %s, but ParseKey of that = %s, %v", text, key, again, err)
		}
		var before, after any
		if json.Unmarshal(text, &before) != nil || json.Unmarshal([]byte(key), &after) != nil {
			t.Fatalf("%s or %s does not decode", text, key)
		}
		if diff := cmp.Diff(before, after); diff != "" {
			t.Fatalf("key of %s means something else (-text +key):\n%s", text, diff)
		}
	})
}

func FuzzQuote(f *testing.F) {
	for _, seed := range []string{`""`, `"\ud83d\ude00\ud83d"`, `"a\\\"\/\b"`, "\"é\u2028\x7f\""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, quoted []byte) {
		quoted = cut(quoted)
		var want string
		if !utf8.Valid(quoted) || len(quoted) < 2 || quoted[0] != '"' || quoted[len(quoted)-1] != '"' || json.Unmarshal(quoted, &want) != nil {
			t.Skip()
		}
		text := protocol.Unquote(quoted)
		if utf8.ValidString(text) && text != want {
			t.Fatalf("Unquote(%s) = %q, encoding/json says %q", quoted, text, want)
		}
		out := protocol.AppendQuote(nil, text)
		requireText(t, out)
		if again := protocol.Unquote(out); again != text {
			t.Fatalf("%q quoted is %s, unquoted %q", text, out, again)
		}
	})
}

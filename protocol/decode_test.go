package protocol_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"syncabled/protocol"
)

func TestDecode(t *testing.T) {
	for _, test := range []struct {
		name, frame string
		want        protocol.Message
	}{
		{"identity of a new client", `{"type":"clientIdentity","clientIdentity":null}`, protocol.ClientIdentity{}},
		{"identity", `{"type":"clientIdentity","clientIdentity":"c1"}`, protocol.ClientIdentity{Identity: "c1"}},
		{"identity with escapes", `{"type":"clientIdentity","clientIdentity":"\u0063\n"}`, protocol.ClientIdentity{Identity: "c\n"}},
		{"identity that is no string", `{"type":"clientIdentity","clientIdentity":12}`, protocol.ClientIdentity{}},
		{"identity missing", `{"type":"clientIdentity"}`, protocol.ClientIdentity{}},

		{"subscribe to everything", `{"type":"subscribe","syncedRevision":null}`, protocol.Subscribe{IsNew: true}},
		{"subscribe without revision", `{"type":"subscribe"}`, protocol.Subscribe{IsNew: true}},
		{"subscribe from 0", `{"type":"subscribe","syncedRevision":0}`, protocol.Subscribe{}},
		{"subscribe", `{"type":"subscribe","syncedRevision":17}`, protocol.Subscribe{Synced: 17}},
		{"subscribe from the largest revision", `{"type":"subscribe","syncedRevision":9007199254740991}`, protocol.Subscribe{Synced: protocol.MaxRevision}},

		{"identity with tables", `{"type":"clientIdentity","clientIdentity":"c","tables":["b","a","\u0062",""]}`,
			protocol.ClientIdentity{Identity: "c", Tables: []string{"b", "a", "b", ""}}},
		{"identity without tables", `{"type":"clientIdentity","clientIdentity":"c","tables":null}`, protocol.ClientIdentity{Identity: "c"}},
		{"subscribe with tables", `{"type":"subscribe","syncedRevision":1,"tables":["a"]}`, protocol.Subscribe{Synced: 1, Tables: []string{"a"}}},
		{"subscribe with no table", `{"type":"subscribe","syncedRevision":1,"tables":[]}`, protocol.Subscribe{Synced: 1, Tables: []string{}}},
		{"changes know no tables", `{"type":"changes","changes":[],"requestId":1,"tables":1}`, protocol.Changes{RequestID: "1"}},

		{"unknown type", `{"type":"ping","x":[1]}`, protocol.Unknown{Type: "ping"}},
		{"unknown type of any length", `{"type":"` + strings.Repeat("x", 59) + `éé"}`, protocol.Unknown{Type: strings.Repeat("x", 59) + "…"}},

		{"no changes", `{"type":"changes","changes":[],"partial":false,"baseRevision":null,"requestId":1}`,
			protocol.Changes{RequestID: "1"}},
		{"bare minimum", `{"type":"changes","changes":[ ],"requestId":0}`, protocol.Changes{RequestID: "0"}},
		{"partial", `{"type":"changes","changes":[],"partial":true,"baseRevision":3,"requestId":2}`,
			protocol.Changes{RequestID: "2", Base: 3, Partial: true}},
		{"first", `{"type":"changes","changes":[],"first":true,"partial":true,"requestId":2}`,
			protocol.Changes{RequestID: "2", Partial: true, First: true}},
		{"partial null", `{"type":"changes","changes":[],"partial":null,"requestId":2}`, protocol.Changes{RequestID: "2"}},
		{"request id kept as written", `{"type":"changes","changes":[],"requestId":-1.50e2}`, protocol.Changes{RequestID: "-1.50e2"}},
		{"of repeated members the last", `{"type":"subscribe","requestId":1,"changes":3,"type":"changes","requestId":2,"changes":[]}`,
			protocol.Changes{RequestID: "2"}},
		{"white space and escaped names", " {\n\t\"\\u0074ype\" : \"subscri\\u0062e\" , \"syncedRevision\" : 5 }\r\n", protocol.Subscribe{Synced: 5}},
		{"members of no meaning", `{"type":"subscribe","syncedRevision":5,"x":{"type":"changes"},"":0}`, protocol.Subscribe{Synced: 5}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, decode(t, test.frame)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestDecodeChange(t *testing.T) {
	for _, test := range []struct {
		name, change string
		want         protocol.Change
	}{
		{"create", `{"type":1,"table":"t","key":"k","obj":{"a":1.0}}`,
			protocol.Change{Type: protocol.Create, Table: "t", Key: `"k"`, Obj: []byte(`{"a":1.0}`)}},
		{"create of a primitive", `{"type":1,"table":"t","key":"k","obj":null}`,
			protocol.Change{Type: protocol.Create, Table: "t", Key: `"k"`, Obj: []byte(`null`)}},
		{"update", `{"type":2,"table":"t","key":"k","mods":{"a.b":1}}`,
			protocol.Change{Type: protocol.Update, Table: "t", Key: `"k"`, Mods: []byte(`{"a.b":1}`)}},
		{"update without mods", `{"type":2,"table":"t","key":"k","mods":{}}`,
			protocol.Change{Type: protocol.Update, Table: "t", Key: `"k"`, Mods: []byte(`{}`)}},
		{"delete", `{"type":3,"table":"t","key":"k"}`,
			protocol.Change{Type: protocol.Delete, Table: "t", Key: `"k"`}},
		{"what an update has of other types", `{"type":2,"table":"t","key":"k","mods":{"a":1},"obj":{"a":1},"oldObj":{},"rev":7,"source":3}`,
			protocol.Change{Type: protocol.Update, Table: "t", Key: `"k"`, Mods: []byte(`{"a":1}`)}},
		{"what a delete has of other types", `{"type":3,"table":"t","key":"k","mods":{"__proto__":1},"obj":7,"oldObj":{"a":1}}`,
			protocol.Change{Type: protocol.Delete, Table: "t", Key: `"k"`}},
		{"value white space", `{"type":1,"table":"t","key":"k","obj": { "a" : [ 1 , 2 ] } }`,
			protocol.Change{Type: protocol.Create, Table: "t", Key: `"k"`, Obj: []byte(`{ "a" : [ 1 , 2 ] }`)}},
		{"strange table", `{"type":3,"table":"__proto__","key":1}`,
			protocol.Change{Type: protocol.Delete, Table: "__proto__", Key: `1`}},
		{"table with escapes", `{"type":3,"table":"a\u003ab\ud83d\ude00","key":1}`,
			protocol.Change{Type: protocol.Delete, Table: "a:b😀", Key: `1`}},
		{"table without a name", `{"type":3,"table":"","key":1}`,
			protocol.Change{Type: protocol.Delete, Key: `1`}},
		{"compound key", `{"type":3,"table":"t","key":[1.0, "a\u0062", [ ]]}`,
			protocol.Change{Type: protocol.Delete, Table: "t", Key: `[1,"ab",[]]`}},
		{"forbidden names inside of values", `{"type":1,"table":"t","key":1,"obj":{"__proto__":{"constructor":1}}}`,
			protocol.Change{Type: protocol.Create, Table: "t", Key: `1`, Obj: []byte(`{"__proto__":{"constructor":1}}`)}},
		{"of repeated members the last", `{"type":1,"type":3,"table":1,"table":"t","key":{},"key":1}`,
			protocol.Change{Type: protocol.Delete, Table: "t", Key: `1`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			msg := decode(t, changesFrame(test.change)).(protocol.Changes)
			if diff := cmp.Diff([]protocol.Change{test.want}, msg.Changes); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestDecodeErrors(t *testing.T) {
	long := strings.Repeat("x", 59) + "éé"
	for _, test := range []struct{ name, frame, want string }{
		{"empty", ``, `the frame is not valid JSON: unexpected end of JSON input`},
		{"cut", `{"type":`, `the frame is not valid JSON: unexpected end of JSON input`},
		{"not JSON", `{type:1}`, `the frame is not valid JSON: invalid character 't' looking for beginning of object key string`},
		{"two values", `{} {}`, `the frame is not valid JSON: invalid character '{' after top-level value`},
		{"not UTF-8", "{\"type\":\"\xff\"}", `the frame is not valid UTF-8`},
		{"surrogate in UTF-8", "{\"type\":\"\xed\xa0\x80\"}", `the frame is not valid UTF-8`},
		{"array", ` [1]`, `a message is a JSON object with a member "type", not  [1]`},
		{"long string", `"` + long + `"`, `a message is a JSON object with a member "type", not "` + long[:59] + `…`},
		{"no type", `{}`, `a message has a member "type" that is a string, such as "changes"`},
		{"type is a number", `{"type":1}`, `a message has a member "type" that is a string, such as "changes"`},
		{"no request id", `{"type":"changes","changes":[]}`, `requestId: a message of changes has a number to acknowledge, not nothing`},
		{"request id is a string", `{"type":"changes","changes":[],"requestId":"1"}`, `requestId: a message of changes has a number to acknowledge, not "1"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			expectError(t, test.frame, "", test.want)
		})
	}
	for _, test := range []struct{ name, members, want string }{
		{"no changes", ``, `changes: an array of changes, empty if there are none, not nothing`},
		{"changes is null", `,"changes":null`, `changes: an array of changes, empty if there are none, not null`},
		{"changes is an object", `,"changes":{}`, `changes: an array of changes, empty if there are none, not {}`},
		{"first is a number", `,"changes":[],"first":1`, `first: true or false, not 1`},
		{"partial is a number", `,"changes":[],"partial":1`, `partial: true or false, not 1`},
	} {
		t.Run(test.name, func(t *testing.T) {
			expectError(t, `{"type":"changes","requestId":7`+test.members+`}`, "7", test.want)
		})
	}
}

func TestDecodeChangeErrors(t *testing.T) {
	for _, test := range []struct{ name, change, want string }{
		{"not an object", `[1]`, `a change is an object, not [1]`},
		{"no type", `{"table":"t","key":1}`, `type: 1 for CREATE, 2 for UPDATE or 3 for DELETE, not nothing`},
		{"type 0", `{"type":0,"table":"t","key":1}`, `type: 1 for CREATE, 2 for UPDATE or 3 for DELETE, not 0`},
		{"type 4", `{"type":4,"table":"t","key":1}`, `type: 1 for CREATE, 2 for UPDATE or 3 for DELETE, not 4`},
		{"type is a string", `{"type":"1","table":"t","key":1}`, `type: 1 for CREATE, 2 for UPDATE or 3 for DELETE, not "1"`},
		{"no table", `{"type":3,"key":1}`, `table: a string, not nothing`},
		{"table is a number", `{"type":3,"table":5,"key":1}`, `table: a string, not 5`},
		{"no key", `{"type":3,"table":"t"}`, `key: missing; declare the table's key as $$id, so that every client makes keys of its own`},
		{"no object", `{"type":1,"table":"t","key":1,"mods":{}}`, `obj: a CREATE carries the object; it is missing`},
		{"no mods", `{"type":2,"table":"t","key":1,"obj":{}}`, `mods: an UPDATE carries an object from key path to value, not nothing`},
		{"mods is an array", `{"type":2,"table":"t","key":1,"mods":[]}`, `mods: an UPDATE carries an object from key path to value, not []`},
	} {
		t.Run(test.name, func(t *testing.T) {
			good := `{"type":3,"table":"t","key":1}`
			expectError(t, changesFrame(good, test.change), "7", "changes[1]: "+test.want)
		})
	}
}

func TestDecodeRefusals(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	path := func(n int) string { return strings.Repeat("a.", n-1) + "a" }
	for _, test := range []struct{ name, change, want string }{
		{"long table", `{"type":3,"table":"` + strings.Repeat("t", 257) + `","key":1}`, `table: a name of 257 bytes is over the limit of 256`},
		{"key is null", `{"type":3,"table":"t","key":null}`, `key: null is no key; declare the table's key as $$id, so that every client makes keys of its own`},
		{"key is true", `{"type":3,"table":"t","key":[1,true]}`, `key: true is no key; IndexedDB keys that can be synced are numbers, strings and arrays of those`},
		{"key is an object", `{"type":3,"table":"t","key":{"a":1}}`, `key: {"a":1} is no key; IndexedDB keys that can be synced are numbers, strings and arrays of those`},
		{"key out of range", `{"type":3,"table":"t","key":-1e400}`, `key: -1e400 is out of the range of numbers`},
		{"key too deep", `{"type":3,"table":"t","key":` + deep(17) + `}`, `key: arrays are nested deeper than 16`},
		{"long key", `{"type":3,"table":"t","key":"` + strings.Repeat("k", 4095) + `"}`, `key: a key of 4097 bytes is over the limit of 4096`},
		{"object too deep", `{"type":1,"table":"t","key":1,"obj":` + deep(129) + `}`, `obj: nested 129 deep, over the limit of 128`},
		{"mods too deep", `{"type":2,"table":"t","key":1,"mods":{"a":1,"a.b":` + deep(127) + `}}`, `mods: "a.b" and its value are nested 129 deep, over the limit of 128`},
		{"path too long", `{"type":2,"table":"t","key":1,"mods":{"` + path(101) + `":1}}`, `mods: the key path "` + path(30) + `.…" has 101 steps, over the limit of 100`},
		{"__proto__", `{"type":2,"table":"t","key":1,"mods":{"__proto__":1}}`, `mods: the step "__proto__" of the key path "__proto__" is not allowed; rename the property`},
		{"constructor", `{"type":2,"table":"t","key":1,"mods":{"a.constructor.b":1}}`, `mods: the step "constructor" of the key path "a.constructor.b" is not allowed; rename the property`},
		{"prototype in escapes", `{"type":2,"table":"t","key":1,"mods":{"a.proto\u0074ype.":1}}`, `mods: the step "prototype" of the key path "a.prototype." is not allowed; rename the property`},
		{"in a long path", `{"type":2,"table":"t","key":1,"mods":{"` + strings.Repeat("x", 10_000) + `.__proto__":1}}`, `mods: the step "__proto__" of the key path "` + strings.Repeat("x", 60) + `…" is not allowed; rename the property`},
	} {
		t.Run(test.name, func(t *testing.T) {
			good := `{"type":3,"table":"t","key":1}`
			msg := decode(t, changesFrame(good, test.change, good)).(protocol.Changes)
			if len(msg.Changes) != 2 || len(msg.Refused) != 1 {
				t.Fatalf("%d changes and %d refusals, want 2 and 1", len(msg.Changes), len(msg.Refused))
			}
			refused := msg.Refused[0]
			if refused.Reason != test.want || string(refused.Change) != test.change {
				t.Errorf("refused %s: %s\nwant %s: %s", refused.Change, refused.Reason, test.change, test.want)
			}
			unnamed := strings.HasPrefix(test.want, "table: ") || strings.HasPrefix(test.want, "key: ")
			if (refused.Key == "") != unnamed {
				t.Errorf("the key is %q", refused.Key)
			}
		})
	}
}

func TestDecodeRevisions(t *testing.T) {
	for text, want := range map[string]protocol.Revision{
		`null`: 0, `0`: 0, `17`: 17, `9007199254740991`: protocol.MaxRevision,
		`9007199254740992`: protocol.MaxRevision, `-1`: protocol.MaxRevision, `1.5`: protocol.MaxRevision,
		`"abc"`: protocol.MaxRevision, `{}`: protocol.MaxRevision,
	} {
		got := decode(t, `{"type":"subscribe","syncedRevision":`+text+`}`).(protocol.Subscribe)
		if got.Synced != want {
			t.Errorf("revision %s is %d, want %d", text, got.Synced, want)
		}
	}
}

func TestDecodeAtLimits(t *testing.T) {
	deep := strings.Repeat("[", 128) + strings.Repeat("]", 128)
	decode(t, changesFrame(
		`{"type":3,"table":"`+strings.Repeat("t", 256)+`","key":"`+strings.Repeat("k", 4094)+`"}`,
		`{"type":1,"table":"t","key":1,"obj":`+deep+`}`,
		`{"type":2,"table":"t","key":1,"mods":{"a.b":`+deep[2:len(deep)-2]+`,"`+strings.Repeat("a.", 99)+`a":1}}`,
		`{"type":2,"table":"t","key":1,"mods":{"proto":1,"prototypes":1,"a.__proto":1}}`,
	))
}

func TestDecodeLimits(t *testing.T) {
	frame := changesFrame(`{"type":3,"table":"t","key":1}`, `{"type":3,"table":"t","key":2}`)
	limits := protocol.Limits{Changes: 1}.WithDefaults()
	_, err := protocol.Decode([]byte(frame), limits)
	want := &protocol.Error{RequestID: "7", Message: "changes: more than 1 in one message; raise --max-changes on the server", TooLarge: true}
	if diff := cmp.Diff(want, err, cmpopts.IgnoreUnexported(protocol.Error{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}

	limits = protocol.Limits{FrameBytes: 10}.WithDefaults()
	_, err = protocol.Decode([]byte(frame), limits)
	want = &protocol.Error{Message: "message of 142 bytes is over the limit of 10; raise --max-frame on the server", TooLarge: true}
	if diff := cmp.Diff(want, err, cmpopts.IgnoreUnexported(protocol.Error{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A requestId is repeated to the client, so a long one is refused, and not repeated.
func TestDecodeLongRequestID(t *testing.T) {
	frame := func(id string) []byte {
		return []byte(`{"type":"changes","changes":[],"partial":false,"requestId":` + id + `}`)
	}
	longest := "-1." + strings.Repeat("0", 61)
	msg, err := protocol.Decode(frame(longest), protocol.Limits{}.WithDefaults())
	if changes, ok := msg.(protocol.Changes); !ok || changes.RequestID != longest {
		t.Errorf("of 64 bytes: %v, %v", msg, err)
	}
	for _, id := range []string{longest + "0", strings.Repeat("9", 1<<20), "1e" + strings.Repeat("0", 100)} {
		_, err := protocol.Decode(frame(id), protocol.Limits{}.WithDefaults())
		want := &protocol.Error{Message: fmt.Sprintf("requestId: a number of %d bytes is over the limit of 64; count from 1 on each connection", len(id))}
		if diff := cmp.Diff(want, err, cmpopts.IgnoreUnexported(protocol.Error{})); diff != "" {
			t.Errorf("of %d bytes (-want +got):\n%s", len(id), diff)
		}
	}
}

func TestDecodeWrongTables(t *testing.T) {
	names := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(`"t%d"`, i))
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	for tables, want := range map[string]string{
		`"a"`:                                  `tables: an array of names, or left out to be sent all tables, not "a"`,
		`{"a":1}`:                              `tables: an array of names, or left out to be sent all tables, not {"a":1}`,
		`["a",["b"]]`:                          `tables[1]: the name of a table, which is a string, not ["b"]`,
		`["a",null]`:                           `tables[1]: the name of a table, which is a string, not null`,
		`["` + strings.Repeat("a", 257) + `"]`: `tables[0]: a name of 257 bytes is over the limit of 256; leave it out, or raise --max-table on the server`,
		names(1001):                            `tables: more than 1000 names; leave it out to be sent all tables`,
	} {
		for _, kind := range []string{"clientIdentity", "subscribe"} {
			_, err := protocol.Decode([]byte(`{"type":"`+kind+`","tables":`+tables+`}`), protocol.Limits{}.WithDefaults())
			if err == nil || err.Message != want {
				t.Errorf("%.60s in %s: got %v, want %s", tables, kind, err, want)
			}
		}
	}
	if got := decode(t, `{"type":"subscribe","tables":`+names(1000)+`}`).(protocol.Subscribe); len(got.Tables) != 1000 {
		t.Errorf("of 1000 names there are %d", len(got.Tables))
	}
}

// Whatever is wrong with a message, what is said of it is short.
func TestErrorsAreShort(t *testing.T) {
	long := strings.Repeat("é", 1<<16)
	for _, frame := range []string{
		long,
		`"` + long + `"`,
		`{"type":7` + strings.Repeat("7", 1<<16) + `}`,
		`{"type":"` + long + `"}`,
		`{"type":"changes","requestId":"` + long + `","changes":[]}`,
		`{"type":"changes","requestId":1,"changes":"` + long + `"}`,
		`{"type":"changes","requestId":1,"changes":[],"partial":"` + long + `"}`,
		`{"type":"subscribe","tables":"` + long + `"}`,
		`{"type":"clientIdentity","tables":["a",["` + long + `"]]}`,
		`{"type":"clientIdentity","tables":["` + long + `"]}`,
		changesFrame(`"` + long + `"`),
		changesFrame(`{"type":"` + long + `"}`),
		changesFrame(`{"type":1,"table":[` + `"` + long + `"],"key":1}`),
		changesFrame(`{"type":1,"table":"` + long + `","key":1,"obj":{}}`),
		changesFrame(`{"type":1,"table":"t","key":{"a":"` + long + `"},"obj":{}}`),
		changesFrame(`{"type":1,"table":"t","key":1e9` + strings.Repeat("9", 1<<16) + `,"obj":{}}`),
		changesFrame(`{"type":2,"table":"t","key":1,"mods":"` + long + `"}`),
		changesFrame(`{"type":2,"table":"t","key":1,"mods":{"` + long + `.__proto__":1}}`),
		changesFrame(`{"type":2,"table":"t","key":1,"mods":{"` + strings.Repeat("a.", 1<<16) + `":1}}`),
	} {
		const short = 300
		msg, err := protocol.Decode([]byte(frame), protocol.Limits{}.WithDefaults())
		var texts []string
		switch msg := msg.(type) {
		case nil:
			texts = []string{string(protocol.AppendError(nil, err))}
		case protocol.Unknown:
			texts = []string{msg.Type}
		case protocol.Changes:
			for _, r := range msg.Refused {
				texts = append(texts, r.Reason, r.Table, string(r.Key))
			}
		}
		if len(texts) == 0 {
			t.Errorf("nothing is said of %.80s", frame)
		}
		for _, text := range texts {
			if len(text) > short {
				t.Errorf("%d bytes are said of %.80s", len(text), frame)
			}
		}
	}
}

func TestLimitsWithDefaults(t *testing.T) {
	want := protocol.Limits{FrameBytes: 67_108_864, Changes: 1_000_000, ObjectBytes: 16_777_216, Depth: 128, TableBytes: 256, KeyBytes: 4096, PathSteps: 100}
	if diff := cmp.Diff(want, protocol.Limits{}.WithDefaults()); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	set := protocol.Limits{FrameBytes: 1, Changes: 2, Depth: 3, TableBytes: 4, KeyBytes: 5, PathSteps: 6, ObjectBytes: 7}
	if diff := cmp.Diff(set, set.WithDefaults()); diff != "" {
		t.Errorf("limits that are set (-want +got):\n%s", diff)
	}
}

func TestSteps(t *testing.T) {
	for path, want := range map[string][]string{
		"":        {""},
		".":       {""},
		"..":      {"", ""},
		"a":       {"a"},
		"a.":      {"a"},
		"a..":     {"a", ""},
		".a":      {"", "a"},
		"a.b.c":   {"a", "b", "c"},
		"a.b.c.":  {"a", "b", "c"},
		"tags.0":  {"tags", "0"},
		"a..b":    {"a", "", "b"},
		"é.\n.😀.": {"é", "\n", "😀"},
	} {
		if diff := cmp.Diff(want, protocol.Steps(path)); diff != "" {
			t.Errorf("steps of %q (-want +got):\n%s", path, diff)
		}
	}
}

func TestChangeTypeString(t *testing.T) {
	for kind, want := range map[protocol.ChangeType]string{
		protocol.Create: "CREATE", protocol.Update: "UPDATE", protocol.Delete: "DELETE", 0: "unknown change type",
	} {
		if got := kind.String(); got != want {
			t.Errorf("ChangeType(%d) is %q, want %q", kind, got, want)
		}
	}
}

// changesFrame returns a message of changes with request id 7.
func changesFrame(changes ...string) string {
	return `{"type":"changes","changes":[` + strings.Join(changes, ",") + `],"partial":false,"baseRevision":null,"requestId":7}`
}

func decode(t testing.TB, frame string) protocol.Message {
	t.Helper()
	msg, err := protocol.Decode([]byte(frame), protocol.Limits{}.WithDefaults())
	if err != nil {
		t.Fatalf("decode %s: %v", frame, err)
	}
	return msg
}

func expectError(t testing.TB, frame, requestID, text string) {
	t.Helper()
	msg, err := protocol.Decode([]byte(frame), protocol.Limits{}.WithDefaults())
	if err == nil {
		t.Fatalf("decoded as %#v", msg)
	}
	want := &protocol.Error{RequestID: requestID, Message: text}
	if diff := cmp.Diff(want, err, cmpopts.IgnoreUnexported(protocol.Error{})); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
	if err.Error() != text {
		t.Errorf("Error() is %q", err.Error())
	}
}

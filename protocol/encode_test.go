package protocol_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"syncabled/protocol"
)

func TestAppend(t *testing.T) {
	changes := []protocol.Change{
		{Type: protocol.Create, Table: "t", Key: `"k"`, Obj: []byte(`{ "a" : 1.0 }`)},
		{Type: protocol.Update, Table: "a\"\xed\xa0\x80😀", Key: `[1,"a"]`, Mods: []byte(`{"a.b":null}`)},
		{Type: protocol.Delete, Table: "", Key: `1.5`},
	}
	for _, test := range []struct {
		name, want string
		got        []byte
	}{
		{"identity", `{"type":"clientIdentity","clientIdentity":"a\"b"}`, protocol.AppendIdentity(nil, `a"b`)},
		{"ack", `{"type":"ack","requestId":1.50}`, protocol.AppendAck(nil, "1.50")},
		{"error", `{"type":"error","requestId":7,"message":"a \"b\"\n"}`, protocol.AppendError(nil, &protocol.Error{RequestID: "7", Message: "a \"b\"\n"})},
		{"error of no request", `{"type":"error","requestId":null,"message":"x"}`, protocol.AppendError(nil, &protocol.Error{Message: "x"})},
		{"no changes", `{"type":"changes","changes":[],"currentRevision":0,"partial":false}`, protocol.AppendChanges(nil, nil, 0, false)},
		{"changes", `{"type":"changes","changes":[` +
			`{"type":1,"table":"t","key":"k","obj":{ "a" : 1.0 }},` +
			`{"type":2,"table":"a\"\ud800😀","key":[1,"a"],"mods":{"a.b":null}},` +
			`{"type":3,"table":"","key":1.5}` +
			`],"currentRevision":9007199254740991,"partial":true}`, protocol.AppendChanges(nil, changes, protocol.MaxRevision, true)},
		{"behind what is there", `x{"type":"ack","requestId":1}`, protocol.AppendAck([]byte("x"), "1")},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, string(test.got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// Values come out byte for byte as they went in.
func TestRoundTripKeepsBytes(t *testing.T) {
	for _, change := range []string{
		`{"type":1,"table":"t","key":"k","obj":{"n":12345678901234567890,"f":1.0,"e":1E+2,"z":-0}}`,
		`{"type":1,"table":"t","key":"k","obj":{"s":"\ud800","t":"\uDC00 \/ \u0061","u":"é\u2028"}}`,
		`{"type":1,"table":"t","key":"k","obj":{"z":1,"a":2,"10":3,"9":4}}`,
		`{"type":1,"table":"t","key":"k","obj":{"a":1,"a":2,"\u0061":3,"":4,"":5}}`,
		`{"type":1,"table":"t","key":"k","obj":[ 1 ,{ "a" :[ ] } ]}`,
		`{"type":1,"table":"t","key":"k","obj":12345678901234567890}`,
		`{"type":2,"table":"t","key":"k","mods":{"n":12345678901234567890,"f":1.0,"s":"\ud800"}}`,
		`{"type":2,"table":"t","key":"k","mods":{"z":1,"a.b":2,"z":3,"\u0061.b":4, "10":5}}`,
		`{"type":3,"table":"\ud800","key":["\ud800",1.5]}`,
	} {
		msg := decode(t, changesFrame(change)).(protocol.Changes)
		got := string(protocol.AppendChange(nil, msg.Changes[0]))
		if diff := cmp.Diff(change, got); diff != "" {
			t.Errorf("-in +out:\n%s", diff)
		}
	}
}

package protocol_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"syncabled/protocol"
)

func TestUnquote(t *testing.T) {
	for _, test := range []struct{ name, quoted, text, requoted string }{
		{"empty", `""`, "", `""`},
		{"plain", `"a b"`, "a b", `"a b"`},
		{"UTF-8", `"é€😀"`, "é€😀", `"é€😀"`},
		{"short escapes", `"\"\\\/\b\f\n\r\t"`, "\"\\/\b\f\n\r\t", `"\"\\/\b\f\n\r\t"`},
		{"control characters", `"\u0000\u001f\u007f"`, "\x00\x1f\x7f", "\"\\u0000\\u001f\x7f\""},
		{"escapes of characters", `"\u0061\u00E9\u20ac"`, "aé€", `"aé€"`},
		{"pair of escapes", `"\ud83d\ude00"`, "😀", `"😀"`},
		{"pair of escapes, upper case", `"\uD83D\uDE00!"`, "😀!", `"😀!"`},
		{"high surrogate", `"\ud83d"`, "\xed\xa0\xbd", `"\ud83d"`},
		{"low surrogate", `"\ude00"`, "\xed\xb8\x80", `"\ude00"`},
		{"high surrogate before text", `"\ud83dx"`, "\xed\xa0\xbdx", `"\ud83dx"`},
		{"high surrogate before another escape", `"\ud83d\n"`, "\xed\xa0\xbd\n", `"\ud83d\n"`},
		{"high surrogate before a character", `"\ud83d\u0061"`, "\xed\xa0\xbda", `"\ud83da"`},
		{"surrogates in the wrong order", `"\ude00\ud83d"`, "\xed\xb8\x80\xed\xa0\xbd", `"\ude00\ud83d"`},
		{"high surrogate before a pair", `"\ud83d\ud83d\ude00"`, "\xed\xa0\xbd😀", `"\ud83d😀"`},
		{"first and last surrogate", `"\ud800 \udfff"`, "\xed\xa0\x80 \xed\xbf\xbf", `"\ud800 \udfff"`},
		{"around the surrogates", `"\ud7ff\ue000"`, "\ud7ff\ue000", "\"\ud7ff\ue000\""},
		{"replacement character", `"\ufffd"`, "\ufffd", "\"\ufffd\""},
		{"line separators stay", "\"\u2028\u2029\"", "\u2028\u2029", "\"\u2028\u2029\""},
		{"escaped backslash before u", `"\\u0061"`, `\u0061`, `"\\u0061"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := protocol.Unquote([]byte(test.quoted)); got != test.text {
				t.Errorf("Unquote(%s) = %q, want %q", test.quoted, got, test.text)
			}
			if got := string(protocol.AppendQuote([]byte("x"), test.text)); got != "x"+test.requoted {
				t.Errorf("AppendQuote(x, %q) = %s, want x%s", test.text, got, test.requoted)
			}
		})
	}
}

type member struct{ Name, Value string }

func membersOf(obj string) (members []member) {
	for name, value := range protocol.Members([]byte(obj)) {
		members = append(members, member{name, string(value)})
	}
	return members
}

func elementsOf(arr string) (elements []string) {
	for i, value := range protocol.Elements([]byte(arr)) {
		if i != len(elements) {
			elements = append(elements, "wrong index")
		}
		elements = append(elements, string(value))
	}
	return elements
}

func TestMembers(t *testing.T) {
	for _, test := range []struct {
		obj  string
		want []member
	}{
		{`{}`, nil},
		{" { \n} ", nil},
		{`[]`, nil},
		{`"{}"`, nil},
		{`null`, nil},
		{``, nil},
		{`{"a":1}`, []member{{"a", "1"}}},
		{`{"a":1,"b":"x","c":null}`, []member{{"a", "1"}, {"b", `"x"`}, {"c", "null"}}},
		{"{ \"a\" :\t1 ,\r\n\"b\": true } ", []member{{"a", "1"}, {"b", "true"}}},
		{`{"a":1,"a":2,"\u0061":3}`, []member{{"a", "1"}, {"a", "2"}, {"a", "3"}}},
		{`{"":{ "b" : [ {} , "}" ] },"c":[]}`, []member{{"", `{ "b" : [ {} , "}" ] }`}, {"c", "[]"}}},
		{`{"\"}":"\\","\\":"\"{"}`, []member{{`"}`, `"\\"`}, {`\`, `"\"{"`}}},
		{`{"n":-1.5e+7,"m":0}`, []member{{"n", "-1.5e+7"}, {"m", "0"}}},
		{`{"\ud800":1,"\udc00":2}`, []member{{"\xed\xa0\x80", "1"}, {"\xed\xb0\x80", "2"}}},
	} {
		if diff := cmp.Diff(test.want, membersOf(test.obj)); diff != "" {
			t.Errorf("members of %s (-want +got):\n%s", test.obj, diff)
		}
	}
}

func TestElements(t *testing.T) {
	for _, test := range []struct {
		arr  string
		want []string
	}{
		{`[]`, nil},
		{" [ ] ", nil},
		{`{}`, nil},
		{`"[1]"`, nil},
		{``, nil},
		{`[1]`, []string{"1"}},
		{` [ 1 ,"]",[ [ ] ],{ "a" : [ ] } , false ] `, []string{"1", `"]"`, "[ [ ] ]", `{ "a" : [ ] }`, "false"}},
	} {
		if diff := cmp.Diff(test.want, elementsOf(test.arr)); diff != "" {
			t.Errorf("elements of %s (-want +got):\n%s", test.arr, diff)
		}
	}
}

// Whoever appends to a value must not run into what follows it.
func TestValuesHaveNoSpareCapacity(t *testing.T) {
	for _, value := range protocol.Members([]byte(`{"a":1,"b":2}`)) {
		if cap(value) != len(value) {
			t.Errorf("%s has capacity %d", value, cap(value))
		}
	}
	for _, value := range protocol.Elements([]byte(`[1,2]`)) {
		if cap(value) != len(value) {
			t.Errorf("%s has capacity %d", value, cap(value))
		}
	}
}

func TestSpans(t *testing.T) {
	obj := []byte(` { "a" : 1 , "b":[ 2 ]}`)
	var got []member
	for name, span := range protocol.MemberSpans(obj) {
		got = append(got, member{string(name), string(obj[span.Start:span.End])})
		if string(name) == "b" {
			for i, span := range protocol.ElementSpans(span.Of(obj)) {
				got = append(got, member{string(rune('0' + i)), string(span.Of([]byte("[ 2 ]")))})
			}
		}
	}
	want := []member{{"a", "1"}, {"b", "[ 2 ]"}, {"0", "2"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestRangingStopsEarly(t *testing.T) {
	n := 0
	for range protocol.Members([]byte(`{"a":1,"b":2}`)) {
		n++
		break
	}
	for range protocol.Elements([]byte(`[1,2]`)) {
		n++
		break
	}
	if n != 2 {
		t.Errorf("%d iterations", n)
	}
}

// Whatever encoding/json writes, Members and Elements read.
func TestWalkAgreesWithEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		obj := rapid.MapOf(rapid.String(), rapid.SliceOf(rapid.OneOf(
			rapid.Map(rapid.String(), func(s string) any { return s }),
			rapid.Map(rapid.Float64Range(-1e30, 1e30), func(x float64) any { return x }),
			rapid.Just[any](nil), rapid.Just[any](true), rapid.Just[any](map[string]any{"{": []any{}}),
		))).Draw(t, "obj")
		text, err := json.MarshalIndent(obj, " ", "\t")
		if err != nil {
			t.Fatal(err)
		}
		walked := map[string][]any{}
		for name, value := range protocol.Members(text) {
			list := []any{}
			for _, element := range protocol.Elements(value) {
				var x any
				if err := json.Unmarshal(element, &x); err != nil {
					t.Fatalf("%s: %v", element, err)
				}
				list = append(list, x)
			}
			walked[name] = list
		}
		var want map[string][]any
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, walked); diff != "" {
			t.Fatalf("-encoding/json +Members:\n%s", diff)
		}
	})
}

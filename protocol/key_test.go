package protocol_test

import (
	"strings"
	"testing"

	"syncabled/protocol"
)

// What Node prints for JSON.stringify(JSON.parse(literal)).
var javaScriptNumbers = []struct{ literal, printed string }{
	{`0`, `0`},
	{`-0`, `0`},
	{`0.0`, `0`},
	{`-0.0`, `0`},
	{`0e5`, `0`},
	{`1`, `1`},
	{`-1`, `-1`},
	{`1.0`, `1`},
	{`1.5`, `1.5`},
	{`-1.50`, `-1.5`},
	{`10`, `10`},
	{`1e1`, `10`},
	{`1E+2`, `100`},
	{`1e2`, `100`},
	{`100`, `100`},
	{`1e-1`, `0.1`},
	{`0.1`, `0.1`},
	{`0.10`, `0.1`},
	{`1e21`, `1e+21`},
	{`1e20`, `100000000000000000000`},
	{`123456789012345678901`, `123456789012345680000`},
	{`999999999999999900000`, `999999999999999900000`},
	{`1e-6`, `0.000001`},
	{`1e-7`, `1e-7`},
	{`0.000001`, `0.000001`},
	{`0.0000001`, `1e-7`},
	{`1.5e-7`, `1.5e-7`},
	{`-1.5e-7`, `-1.5e-7`},
	{`1.5e-10`, `1.5e-10`},
	{`1e-100`, `1e-100`},
	{`1.25e300`, `1.25e+300`},
	{`1e100`, `1e+100`},
	{`12345678901234567890`, `12345678901234567000`},
	{`9007199254740991`, `9007199254740991`},
	{`9007199254740992`, `9007199254740992`},
	{`9007199254740993`, `9007199254740992`},
	{`-9007199254740993`, `-9007199254740992`},
	{`0.1e1`, `1`},
	{`5e-324`, `5e-324`},
	{`2e-324`, `0`},
	{`4.9406564584124654e-324`, `5e-324`},
	{`1e-400`, `0`},
	{`1.7976931348623157e308`, `1.7976931348623157e+308`},
	{`123e-20`, `1.23e-18`},
	{`1234567.0`, `1234567`},
	{`0.30000000000000004`, `0.30000000000000004`},
	{`3.0000000000000000001`, `3`},
	{`100000000000000000000`, `100000000000000000000`},
	{`1000000000000000000000`, `1e+21`},
	{`1e+5`, `100000`},
	{`4.35`, `4.35`},
	{`0.000012345`, `0.000012345`},
	{`2e64`, `2e+64`},
	{`4294967296`, `4294967296`},
	{`999999999999999`, `999999999999999`},
	{`1000000000000000`, `1000000000000000`},
	{`123`, `123`},
}

func TestParseKeyNumbers(t *testing.T) {
	for _, number := range javaScriptNumbers {
		expectKey(t, number.literal, number.printed)
		expectKey(t, "[ "+number.literal+" ]", "["+number.printed+"]")
	}
}

func TestParseKey(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{`"a"`, `"a"`},
		{`""`, `""`},
		{`"1"`, `"1"`},
		{`"a\u0062\/"`, `"ab/"`},
		{`"\u00e9é"`, `"éé"`},
		{`"\ud83d\ude00"`, `"😀"`},
		{`"\ud83d"`, `"\ud83d"`},
		{`"\uD83D"`, `"\ud83d"`},
		{`"\u000A\u000b"`, `"\n\u000b"`},
		{"\"\x7f\"", "\"\x7f\""},
		{`"\"\\"`, `"\"\\"`},
		{`[]`, `[]`},
		{`[ ]`, `[]`},
		{"[1,\t\"a\" , [ 2.50,[ ] ] ]", `[1,"a",[2.5,[]]]`},
		{strings.Repeat("[", 16) + strings.Repeat("]", 16), strings.Repeat("[", 16) + strings.Repeat("]", 16)},
	} {
		expectKey(t, test.text, test.want)
	}
}

func TestParseKeyErrors(t *testing.T) {
	const noKey = " is no key; IndexedDB keys that can be synced are numbers, strings and arrays of those"
	for _, test := range []struct{ text, want string }{
		{`null`, "null is no key; declare the table's key as $$id, so that every client makes keys of its own"},
		{`true`, "true" + noKey},
		{`false`, "false" + noKey},
		{`{}`, "{}" + noKey},
		{`[1,[{ }]]`, "{ }" + noKey},
		{`1e309`, "1e309 is out of the range of numbers"},
		{`[-1e999]`, "-1e999 is out of the range of numbers"},
		{strings.Repeat("[", 17) + strings.Repeat("]", 17), "arrays are nested deeper than 16"},
	} {
		key, err := protocol.ParseKey([]byte(test.text))
		if err == nil || err.Message != test.want {
			t.Errorf("ParseKey(%s) = %s, %v, want %s", test.text, key, err, test.want)
		}
	}
}

func expectKey(t testing.TB, text, want string) {
	t.Helper()
	key, err := protocol.ParseKey([]byte(text))
	if err != nil || string(key) != want {
		t.Errorf("ParseKey(%s) = %s, %v, want %s", text, key, err, want)
		return
	}
	if again, err := protocol.ParseKey([]byte(key)); err != nil || again != key {
		t.Errorf("ParseKey(%s) = %s, %v, not itself", key, again, err)
	}
}

package conflict_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"syncabled/conflict"
	"syncabled/protocol"
)

// TestCases runs the cases of testdata/conflict. A file has prose on top; each
// case is a block of lines that begins with its name after a "#".
//
//	object JSON         the object before; "nothing" if it does not exist
//	other TYPE JSON     an entry of another client
//	own TYPE JSON       an entry of the client itself
//	client TYPE JSON    the client's change
//	set PATH = JSON     an assignment, in place of entries and a change
//	effect TYPE JSON    the others' entries as one change, or "nothing"
//	left TYPE JSON      what is left of the client's change, or "nothing"
//	result JSON         the object afterwards
//
// JSON is compared byte for byte.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("../testdata/conflict/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no case files: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
			name, lines, ok := cutCase(block)
			if !ok {
				continue // prose
			}
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txt")+"/"+name, func(t *testing.T) {
				runCase(t, lines)
			})
		}
	}
}

func cutCase(block string) (name string, lines []string, ok bool) {
	name, rest, _ := strings.Cut(block, "\n")
	name, ok = strings.CutPrefix(name, "# ")
	return name, strings.Split(rest, "\n"), ok
}

func runCase(t *testing.T, lines []string) {
	var object, state []byte
	var others conflict.Effect
	var client protocol.Change
	own := false
	for _, line := range lines {
		verb, rest, _ := strings.Cut(line, " ")
		rest = strings.TrimLeft(rest, " ")
		switch verb {
		case "object":
			object = parseObject(rest)
			state = object
		case "set":
			path, value, _ := strings.Cut(rest, "= ")
			state = conflict.Set(state, strings.TrimSuffix(path, " "), []byte(value))
		case "other":
			c := parseChange(t, rest)
			others = others.Then(c)
			state = conflict.Apply(state, c)
		case "own":
			state = conflict.Apply(state, parseChange(t, rest))
			own = true
		case "effect":
			c, ok := others.Change("table", `"key"`)
			expect(t, "effect", rest, formatChange(c, ok))
			if ok {
				expect(t, "type", others.Type().String(), c.Type.String())
				expect(t, "object after the effect", formatObject(state), formatObject(conflict.Apply(object, c)))
			}
		case "client":
			client = parseChange(t, rest)
		case "left":
			c, ok := others.Transform(client)
			expect(t, "left", rest, formatChange(c, ok))
			if ok {
				state = conflict.Apply(state, c)
			}
			if !own {
				onClient := conflict.Apply(object, client)
				if o, ok := others.Change("table", `"key"`); ok {
					onClient = conflict.Apply(onClient, o)
				}
				if diff := diffMeaning(state, onClient); diff != "" {
					t.Errorf("the client ends with another object (-server +client):\n%s", diff)
				}
			}
		case "result":
			expect(t, "result", rest, formatObject(state))
		default:
			t.Fatalf("unknown verb in line %q", line)
		}
	}
}

func expect(t testing.TB, what, want, got string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func parseObject(text string) []byte {
	if text == "nothing" {
		return nil
	}
	return []byte(text)
}

func formatObject(obj []byte) string {
	if obj == nil {
		return "nothing"
	}
	return string(obj)
}

func parseChange(t testing.TB, text string) protocol.Change {
	t.Helper()
	kind, data, _ := strings.Cut(text, " ")
	c := protocol.Change{Table: "table", Key: `"key"`}
	switch kind {
	case "CREATE":
		c.Type, c.Obj = protocol.Create, []byte(data)
	case "UPDATE":
		c.Type, c.Mods = protocol.Update, []byte(data)
	case "DELETE":
		c.Type = protocol.Delete
	default:
		t.Fatalf("no change: %q", text)
	}
	return c
}

func formatChange(c protocol.Change, ok bool) string {
	if !ok {
		return "nothing"
	}
	return strings.TrimSpace(c.Type.String() + " " + string(c.Obj) + string(c.Mods))
}

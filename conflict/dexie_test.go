package conflict_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"syncabled/conflict"
	"syncabled/protocol"
)

// TestSetIsDexies compares Set with the setByKeyPath of the Dexie that the
// browser tests use, on some thousands of assignments.
func TestSetIsDexies(t *testing.T) {
	const script = "../testdata/js/setbykeypath.js"
	requireDexie(t)

	type assignment struct {
		obj, value []byte
		path       string
	}
	draw := rapid.Custom(func(t *rapid.T) assignment {
		return assignment{drawValue.Draw(t, "obj"), drawValue.Draw(t, "value"), drawPath.Draw(t, "path")}
	})
	var cases []assignment
	var input bytes.Buffer
	for seed := range 5000 {
		c := draw.Example(seed)
		cases = append(cases, c)
		line := append([]byte(`{"obj":`), c.obj...)
		line = protocol.AppendQuote(append(line, `,"path":`...), c.path)
		line = append(append(append(line, `,"value":`...), c.value...), '}', '\n')
		input.Write(oneLine(line))
	}
	node := exec.CommandContext(t.Context(), "node", script)
	node.Stdin, node.Stderr = &input, os.Stderr
	output, err := node.Output()
	if err != nil {
		t.Fatalf("node %s: %v", script, err)
	}
	lines := strings.Split(strings.TrimSpace(string(output)), "\n")
	if len(lines) != len(cases) {
		t.Fatalf("%d results of %d cases", len(lines), len(cases))
	}
	for i, c := range cases {
		want := []byte(lines[i])
		if want[0] == '!' { // it threw
			want = c.obj
		}
		// Node writes what JSON cannot say as null.
		got := bytes.ReplaceAll(conflict.Set(c.obj, c.path, c.value), []byte("1e400"), []byte("null"))
		want = bytes.ReplaceAll(want, []byte("1e400"), []byte("null"))
		if diff := diffMeaning(want, got); diff != "" {
			t.Errorf("case %d: Set(%s, %q, %s) (-Dexie +Set):\n%s", i, c.obj, c.path, c.value, diff)
		}
	}
}

// oneLine replaces the line breaks between the tokens of JSON; inside of strings
// there are none.
func oneLine(line []byte) []byte {
	return append(bytes.ReplaceAll(line[:len(line)-1], []byte("\n"), []byte(" ")), '\n')
}

// requireDexie ends the test if the real Dexie is not at hand: as a failure in
// continuous integration, as skipped elsewhere.
func requireDexie(t *testing.T) {
	t.Helper()
	const hint = "run: npm --prefix testdata/js ci"
	_, err := os.Stat("../testdata/js/node_modules/dexie")
	if err == nil {
		_, err = exec.LookPath("node")
	}
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		t.Fatalf("the real Dexie is not at hand: %v; %s", err, hint)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, exec.ErrNotFound):
		t.Skipf("the real Dexie is not at hand; %s", hint)
	default:
		t.Fatal(err)
	}
}

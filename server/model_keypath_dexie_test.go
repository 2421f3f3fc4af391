package server_test

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestModelSetsAsDexie compares the setByKeyPath of the model with the one of the
// Dexie that the browser tests use.
func TestModelSetsAsDexie(t *testing.T) {
	const script = "../testdata/js/setbykeypath.js"
	requireDexie(t)
	type assignment struct {
		Obj   any    `json:"obj"`
		Path  string `json:"path"`
		Value any    `json:"value"`
	}
	rng := rand.New(rand.NewPCG(*modelSeed, 0))
	var cases []assignment
	var input bytes.Buffer
	for range 5000 {
		c := assignment{anyValue(rng, 4), anyPath(rng), anyValue(rng, 2)}
		cases = append(cases, c)
		input.WriteString(text(c) + "\n")
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
		was := text(c.Obj)
		want := was
		if !strings.HasPrefix(lines[i], "!") { // it did not throw
			want = text(parsed(lines[i]))
		}
		if got := text(setByKeyPath(c.Obj, c.Path, c.Value)); got != want {
			t.Errorf("setByKeyPath(%s, %q, %s) makes %s of it, Dexie %s", was, c.Path, text(c.Value), got, want)
		}
	}
}

func anyPath(rng *rand.Rand) string {
	var steps []string
	for range 1 + rng.IntN(4) {
		steps = append(steps, pick(rng, "a", "b", "0", "1", "3", "01", "-1", "", "toString", prototype))
	}
	return strings.Join(steps, ".") + pick(rng, "", "", "", ".")
}

func anyValue(rng *rand.Rand, depth int) any {
	kind := rng.IntN(5)
	switch {
	case depth == 0 || kind == 0:
		return pick[any](rng, nil, false, true, 0.0, 1.0, "", "x", "10")
	case kind < 3:
		array := []any{}
		for range rng.IntN(4) {
			array = append(array, anyValue(rng, depth-1))
		}
		return array
	}
	obj := map[string]any{}
	for range rng.IntN(4) {
		obj[pick(rng, "a", "b", "0", "1", "", "toString")] = anyValue(rng, depth-1)
	}
	return obj
}

// requireDexie ends the test if the real Dexie is not at hand: as a failure in
// continuous integration, as skipped elsewhere.
func requireDexie(t *testing.T) {
	t.Helper()
	_, err := os.Stat("../testdata/js/node_modules/dexie")
	if err == nil {
		_, err = exec.LookPath("node")
	}
	switch {
	case err == nil:
	case os.Getenv("CI") == "" && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, exec.ErrNotFound)):
		t.Skip("the real Dexie is not at hand; run: npm --prefix testdata/js ci")
	default:
		t.Fatalf("the real Dexie is not at hand: %v; run: npm --prefix testdata/js ci", err)
	}
}

package conflict_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"syncabled/conflict"
	"syncabled/protocol"
)

// The laws are checked more often than rapid would by itself; the flag
// -rapid.checks still has the last word.
func init() { flag.Set("rapid.checks", "2000") }

// effectOf composes a run.
func effectOf(run []protocol.Change) conflict.Effect {
	var e conflict.Effect
	for _, c := range run {
		e = e.Then(c)
	}
	return e
}

func applyAll(obj []byte, run []protocol.Change) []byte {
	for _, c := range run {
		obj = conflict.Apply(obj, c)
	}
	return obj
}

// applyEffect applies an effect the way everybody else sees it: as a change.
func applyEffect(obj []byte, e conflict.Effect) []byte {
	if c, ok := e.Change("table", `"key"`); ok {
		return conflict.Apply(obj, c)
	}
	return obj
}

func requireSame(t rapid.TB, what string, want, got []byte) {
	t.Helper()
	if want != nil && !json.Valid(want) || got != nil && !json.Valid(got) {
		t.Fatalf("%s: not valid JSON: %s, %s", what, want, got)
	}
	if diff := diffMeaning(want, got); diff != "" {
		t.Fatalf("%s (-want +got):\n%s\n%s\n%s", what, diff, want, got)
	}
}

// S.C.O = S.O.C'
func TestTransformLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		obj := drawState.Draw(t, "obj")
		others := drawRun.Draw(t, "others")
		c := drawChange.Draw(t, "client")
		e := effectOf(others)

		onClient := applyEffect(conflict.Apply(obj, c), e)
		onServer := applyAll(obj, others)
		left, ok := e.Transform(c)
		if ok {
			onServer = conflict.Apply(onServer, left)
		}
		requireSame(t, "object on the client and on the server", onClient, onServer)
	})
}

// A client's run of changes, each transformed by the others' effect, which in
// turn arrives on top of the run.
func TestTransformLawOfRuns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		obj := drawState.Draw(t, "obj")
		others := drawRun.Draw(t, "others")
		mine := drawRun.Draw(t, "mine")
		e := effectOf(others)

		onClient := applyEffect(applyAll(obj, mine), e)
		onServer := applyAll(obj, others)
		for _, c := range mine {
			if left, ok := e.Transform(c); ok {
				onServer = conflict.Apply(onServer, left)
			}
		}
		requireSame(t, "object on the client and on the server", onClient, onServer)
	})
}

func TestEffectLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		obj := drawState.Draw(t, "obj")
		run := drawRun.Draw(t, "run")
		requireSame(t, "object after the run and after its effect", applyAll(obj, run), applyEffect(obj, effectOf(run)))
	})
}

// The effect of a run is the effect of its parts' effects.
func TestEffectOfEffects(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		obj := drawState.Draw(t, "obj")
		run := drawRun.Draw(t, "run")
		cut := rapid.IntRange(0, len(run)).Draw(t, "cut")

		var e conflict.Effect
		for _, part := range [][]protocol.Change{run[:cut], run[cut:]} {
			if c, ok := effectOf(part).Change("table", `"key"`); ok {
				e = e.Then(c)
			}
		}
		requireSame(t, "object after the whole and after its parts", applyEffect(obj, effectOf(run)), applyEffect(obj, e))
	})
}

// An effect's paths are independent of each other, so that it does not matter in
// which order a client applies them.
func TestEffectHasIndependentPaths(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		run := slices.DeleteFunc(drawRun.Draw(t, "run"), func(c protocol.Change) bool { return c.Type != protocol.Update })
		c, ok := effectOf(run).Change("table", `"key"`)
		if !ok || len(run) < 2 {
			return
		}
		var paths [][]string
		for path := range protocol.Members(c.Mods) {
			paths = append(paths, protocol.Steps(path))
		}
		for i, a := range paths {
			for j, b := range paths {
				if i != j && len(a) <= len(b) && slices.Equal(a, b[:len(a)]) {
					t.Fatalf("%q is under %q in %s", b, a, c.Mods)
				}
			}
		}
	})
}

func TestApplyIsSetOneByOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		obj := drawValue.Draw(t, "obj")
		mods := drawMods.Draw(t, "mods")

		want := obj
		for _, path := range jsNames(mods) {
			for name, value := range protocol.Members(mods) {
				if name == path.name && path.last == string(value) {
					want = conflict.Set(want, name, value)
					break
				}
			}
		}
		got := conflict.Apply(obj, protocol.Change{Type: protocol.Update, Mods: mods})
		requireSame(t, "object", want, got)
	})
}

type jsName struct{ name, last string }

// jsNames returns the names of an object in the order of JavaScript's
// Object.keys, with the values that they have there. It is as slow as it is
// simple.
func jsNames(obj []byte) []jsName {
	var names []jsName
	for name, value := range protocol.Members(obj) {
		i := slices.IndexFunc(names, func(n jsName) bool { return n.name == name })
		if i < 0 {
			i = len(names)
			names = append(names, jsName{name: name})
		}
		names[i].last = string(value)
	}
	var sorted []jsName
	for _, index := range []string{"0", "1", "2", "3", "5"} { // all that the generator draws
		for _, n := range names {
			if n.name == index {
				sorted = append(sorted, n)
			}
		}
	}
	for _, n := range names {
		if !slices.Contains(sorted, n) {
			sorted = append(sorted, n)
		}
	}
	return sorted
}

// Set replaces or inserts one stretch of the text and leaves the rest.
func TestSetKeepsBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		obj := drawValue.Draw(t, "obj")
		path := drawPath.Draw(t, "path")
		value := drawValue.Draw(t, "value")
		before := bytes.Clone(obj)

		got := conflict.Set(obj, path, value)
		if !bytes.Equal(obj, before) {
			t.Fatalf("Set modified its input: %s, now %s", before, obj)
		}
		if !json.Valid(got) {
			t.Fatalf("Set made %s", got)
		}
		prefix := 0
		for prefix < min(len(obj), len(got)) && obj[prefix] == got[prefix] {
			prefix++
		}
		suffix := 0
		for suffix < min(len(obj), len(got))-prefix && obj[len(obj)-1-suffix] == got[len(got)-1-suffix] {
			suffix++
		}
		inserted := got[prefix : len(got)-suffix]
		if most := len(value) + 2*len(path) + len(`{"":},`) + 5*len("null,"); len(inserted) > most {
			t.Fatalf("Set of %q to %s rewrote %s as %s in\n%s", path, value, obj[prefix:len(obj)-suffix], inserted, obj)
		}
		step := protocol.Steps(path)[0]
		requireMembersKept(t, obj, got, step)
	})
}

// requireMembersKept checks that all members but those of a name have the raw
// text that they had.
func requireMembersKept(t *rapid.T, before, after []byte, except string) {
	t.Helper()
	kept := func(obj []byte) (texts []string) {
		for name, value := range protocol.Members(obj) {
			if name != except {
				texts = append(texts, name+":"+string(value))
			}
		}
		return texts
	}
	if b, a := kept(before), kept(after); !slices.Equal(b, a) {
		t.Fatalf("members other than %q were %q and are %q", except, b, a)
	}
}

func TestSetReturnsTheObjectIfNothingChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		obj := drawValue.Draw(t, "obj")
		path := drawPath.Draw(t, "path")
		value := drawValue.Draw(t, "value")
		once := conflict.Set(obj, path, value)
		twice := conflict.Set(once, path, value)
		if &once[0] != &twice[0] {
			t.Fatalf("setting %q to %s again changed %s to %s", path, value, once, twice)
		}
	})
}

func TestFunctionsArePure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		obj := drawState.Draw(t, "obj")
		run := drawRun.Draw(t, "run")
		c := drawChange.Draw(t, "client")
		var first string
		for i := range 3 {
			e := effectOf(run)
			effect, ok := e.Change("table", `"key"`)
			left, leftOK := e.Transform(c)
			all := formatChange(effect, ok) + formatChange(left, leftOK) + formatObject(conflict.Apply(obj, c))
			if i > 0 && all != first {
				t.Fatalf("%s\nthe next time was\n%s", first, all)
			}
			first = all
		}
	})
}

func TestEffectStaysUsable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		run := drawRun.Draw(t, "run")
		fork := rapid.IntRange(0, len(run)).Draw(t, "fork")
		e := effectOf(run[:fork])
		before := formatChange(e.Change("table", `"key"`))
		whole := e
		for _, c := range run[fork:] {
			whole = whole.Then(c)
		}
		want := formatChange(whole.Change("table", `"key"`))
		e.Then(drawChange.Draw(t, "other branch"))
		if after := formatChange(e.Change("table", `"key"`)); after != before {
			t.Fatalf("the effect was %s and is %s", before, after)
		}
		if got := formatChange(whole.Change("table", `"key"`)); got != want {
			t.Fatalf("the effect was %s and is %s", want, got)
		}
	})
}

func TestTransformByNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawChange.Draw(t, "client")
		left, ok := conflict.Effect{}.Transform(c)
		if !ok || formatChange(left, ok) != formatChange(c, true) {
			t.Fatalf("%v became %v", c, left)
		}
	})
}

package server_test

import (
	"flag"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

var (
	modelSchedules = flag.Int("schedules", defaultSchedules, "how many random schedules the model test runs")
	modelSeed      = flag.Uint64("seed", 1, "seed of the model test's first schedule")
	modelTolerated = flag.Int("tolerate", -1, "how many properties may change in TestModelKeepsOwnValues; it is skipped if negative")
	modelFaults    = flag.String("faults", "all", "kinds of faults in the model test: all, or a list with commas, or nothing")
)

// kindsOf returns kinds of faults, given their names with commas between them, or
// all.
func kindsOf(names string) []eventKind {
	if names == "all" {
		return faultKinds
	}
	var kinds []eventKind
	for kind := range strings.SplitSeq(names, ",") {
		if kind != "" {
			kinds = append(kinds, eventKind(kind))
		}
	}
	return kinds
}

// TestModel runs random schedules of a model of Dexie.Syncable against the
// server: after each, every client holds what the server holds. To see one of
// them again, with what happened in it:
//
//	go test -run TestModel ./server -seed SEED -schedules 1 -v
func TestModel(t *testing.T) {
	edits, undone, nudged, torn, lost := 0, 0, 0, 0, losses{}
	for i := range *modelSchedules {
		s := newSchedule(*modelSeed+uint64(i), kindsOf(*modelFaults))
		result := runSchedule(t, s, *modelSchedules == 1)
		if !s.settings.grants.authorized && !s.settings.forbidden { // else they may be undone on purpose
			edits += result.edits
			undone += result.undone
		}
		lost.add(result.lost)
		torn += result.torn
		if result.nudged {
			nudged++
		}
		if len(result.failures) > 0 {
			report(t, s, result)
		}
		if *modelSchedules == 1 && testing.Verbose() {
			t.Logf("%s\n%s", s, strings.Join(result.trace, "\n"))
		}
	}
	t.Logf("of %d edits %d were undone; %d schedules needed a nudge", edits, undone, nudged)
	t.Logf("%d crashes between a batch and its position", torn)
	t.Logf("of those who alone may write: %s", lost)
}

// TestModelAlone checks that nothing that a user does is undone as long as
// nobody else edits and nothing fails.
func TestModelAlone(t *testing.T) {
	for i := range *modelSchedules / 10 {
		s := newSchedule(*modelSeed+uint64(i), nil).alone()
		if result := runSchedule(t, s, true); len(result.failures) > 0 || result.undone > 0 || result.lost != (losses{}) {
			t.Fatalf("%s\n%s\n%d edits undone, %s\n%s", s, strings.Join(result.trace, "\n"), result.undone, result.lost, strings.Join(result.failures, "\n"))
		}
	}
}

// TestModelKeepsOwnValues lets one client alone have all faults. What it has nobody
// else can have changed, so no batch should change it. That does not hold for one that
// crashes after it was given its name and before it has stored that: to the server it
// is somebody else from then on.
func TestModelKeepsOwnValues(t *testing.T) {
	if *modelTolerated < 0 {
		t.Skip("the server still overwrites values of a client's own; -tolerate says how many it may")
	}
	var lost, forgotten losses
	loses := func(o outcome) bool { return o.lost.properties > 0 && !o.forgot }
	bad, last := 0, schedule{}
	for i := range *modelSchedules {
		s := newSchedule(*modelSeed+uint64(i), kindsOf(*modelFaults)).alone()
		result := runSchedule(t, s, *modelSchedules == 1)
		if len(result.failures) > 0 {
			report(t, s, result)
		}
		switch {
		case result.forgot:
			forgotten.add(result.lost)
		case loses(result):
			bad++
			last = s
			fallthrough
		default:
			lost.add(result.lost)
		}
		if *modelSchedules == 1 && testing.Verbose() {
			t.Logf("%s\n%s", s, strings.Join(result.trace, "\n"))
		}
	}
	t.Logf("%s, in %d of %d schedules; where the name was forgotten: %s", lost, bad, *modelSchedules, forgotten)
	if lost.properties > *modelTolerated {
		small := shrink(t, last, loses)
		t.Errorf("more than %d; smallest: %s\n%s", *modelTolerated, small, strings.Join(runSchedule(t, small, true).trace, "\n"))
	}
}

// alone returns the schedule of one client that may do what it likes.
func (s schedule) alone() schedule {
	s = s.withClients(1)
	s.settings.deep, s.settings.forbidden, s.settings.grants = false, false, grants{}
	s.steps = slices.DeleteFunc(s.steps, func(step event) bool { return slices.Contains(grantKinds, step.kind) })
	return s
}

// report reports a schedule that fails, and the smallest one like it that still
// does.
func report(t *testing.T, s schedule, result outcome) {
	t.Errorf("%s\n%s", s, strings.Join(result.failures, "\n"))
	small := shrink(t, s, func(o outcome) bool { return len(o.failures) > 0 })
	result = runSchedule(t, small, true)
	t.Logf("smallest: %s\n%s\n%s", small, strings.Join(result.trace, "\n"), strings.Join(result.failures, "\n"))
}

// shrink leaves out steps for as long as the schedule still fails.
func shrink(t *testing.T, s schedule, fails func(outcome) bool) schedule {
	rng := rand.New(rand.NewPCG(s.seed, 4))
	for size := len(s.steps) / 2; size > 0; size /= 2 {
		for range 12 {
			if size > len(s.steps) {
				break
			}
			smaller := s
			from := rng.IntN(len(s.steps) - size + 1)
			smaller.steps = slices.Concat(s.steps[:from], s.steps[from+size:])
			if fails(runSchedule(t, smaller, false)) {
				s = smaller
			}
		}
	}
	return s
}

// withClients returns the schedule with other steps given to the first n clients.
func (s schedule) withClients(n int) schedule {
	s.settings.clients = n
	s.steps = slices.Clone(s.steps)
	for i := range s.steps {
		s.steps[i].client %= n
	}
	return s
}

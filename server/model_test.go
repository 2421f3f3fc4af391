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
	edits, undone, nudged := 0, 0, 0
	for i := range *modelSchedules {
		s := newSchedule(*modelSeed+uint64(i), kindsOf(*modelFaults))
		result := runSchedule(t, s, *modelSchedules == 1)
		if !s.settings.grants.authorized { // else they may be undone on purpose
			edits += result.edits
			undone += result.undone
		}
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
}

// TestModelAlone checks that nothing that a user does is undone as long as
// nobody else edits and nothing fails.
func TestModelAlone(t *testing.T) {
	for i := range *modelSchedules / 10 {
		s := newSchedule(*modelSeed+uint64(i), nil).withClients(1)
		s.settings.refusals, s.settings.grants = false, grants{}
		if result := runSchedule(t, s, true); len(result.failures) > 0 || result.undone > 0 {
			t.Fatalf("%s\n%s\n%d edits undone\n%s", s, strings.Join(result.trace, "\n"), result.undone, strings.Join(result.failures, "\n"))
		}
	}
}

// report reports a schedule that fails, and the smallest one like it that still
// does.
func report(t *testing.T, s schedule, result outcome) {
	t.Errorf("%s\n%s", s, strings.Join(result.failures, "\n"))
	small := shrink(t, s)
	result = runSchedule(t, small, true)
	t.Logf("smallest: %s\n%s\n%s", small, strings.Join(result.trace, "\n"), strings.Join(result.failures, "\n"))
}

// shrink leaves out steps for as long as the schedule still fails.
func shrink(t *testing.T, s schedule) schedule {
	rng := rand.New(rand.NewPCG(s.seed, 4))
	for size := len(s.steps) / 2; size > 0; size /= 2 {
		for range 12 {
			if size > len(s.steps) {
				break
			}
			smaller := s
			from := rng.IntN(len(s.steps) - size + 1)
			smaller.steps = slices.Concat(s.steps[:from], s.steps[from+size:])
			if len(runSchedule(t, smaller, false).failures) > 0 {
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

package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// contested returns a mode in which a part of the sets is in conflict.
func contested(percent float64, changes int) commitMode {
	return commitMode{Writers: 3, Sets: 40, Changes: changes, Conflicts: &percent}
}

func TestConflictsAreResolved(t *testing.T) {
	for _, percent := range []float64{0, 0.5, 10, 62.5, 100} {
		for _, changes := range []int{1, 3} {
			t.Run(fmt.Sprintf("%v %% of sets of %d", percent, changes), func(t *testing.T) {
				if err := measure(t, startServer(t), contested(percent, changes), 0); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestEveryWrongResolutionIsFound runs writers that are in conflict against a server
// of which a watcher, or who comes late, is sent something else.
func TestEveryWrongResolutionIsFound(t *testing.T) {
	const ofWriter, ofRival, settled = `"mods":{"text":"change `, `"mods":{"done":true}`, `"done":true,"text":"change `
	holds := func(text string) func(string) bool {
		return func(frame string) bool { return strings.Contains(frame, text) }
	}
	replaced := func(old, by string) func() tamper {
		return once(holds(old), func(frame, _ string) []string { return []string{strings.Replace(frame, old, by, 1)} })
	}
	without := func(text string) func() tamper {
		return once(holds(text), func(frame, _ string) []string { return []string{strings.Replace(frame, changesOf(frame), "", 1)} })
	}
	for _, test := range []struct {
		name, rule string
		percent    float64
		tamper     func() tamper
	}{
		{"the later one wins", "wrong update", 100, replaced(ofWriter, `"mods":{"done":"yes","text":"change `)},
		{"the later one loses all", "gap", 100, without(ofWriter)},
		{"the later one loses where none was faster", "wrong update", 0, replaced(`{"done":"yes","text"`, `{"text"`)},
		{"the resolved comes twice", "duplicate", 100, once(holds(ofWriter), func(frame, _ string) []string {
			return []string{frame, withRevision(frame, 1)}
		})},
		{"the text of another change", "wrong update", 100, replaced(`"text":"change 0 of writer 1"`, `"text":"change 1 of writer 1"`)},
		{"the faster one is lost", "gap", 100, without(ofRival)},
		{"the faster one deletes", "wrong object", 100, once(holds(ofRival), func(frame, _ string) []string {
			return []string{strings.Replace(frame, `"type":2`, `"type":3`, 1)}
		})},
		{"an object in place of an update", "wrong object", 100, once(holds(ofWriter), func(frame, _ string) []string {
			return []string{strings.Replace(frame, `"type":2`, `"type":1`, 1)}
		})},
		{"an object without the faster one", "wrong object", 100, replaced(settled, `"done":"yes","text":"change `)},
		{"an object without the later one", "wrong object", 100, replaced(settled, `"done":true,"text":"Milk `)},
	} {
		t.Run(test.name, func(t *testing.T) {
			url := startTampering(t, startServer(t), test.tamper)
			err := measure(t, url, contested(test.percent, 1), 0)
			var v *violation
			if !errors.As(err, &v) || v.rule != test.rule {
				t.Errorf("got %v, want the violation %q", err, test.rule)
			}
		})
	}
}

// TestContestKnowsItsChanges: what a server has to send of a change is told from what
// it has to send of others, and a change is taken for itself.
func TestContestKnowsItsChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		writers, sets, changes := rapid.IntRange(1, 4).Draw(t, "writers"), rapid.IntRange(1, 20).Draw(t, "sets"), rapid.IntRange(1, 3).Draw(t, "changes")
		percent := rapid.Float64Range(0, 100).Draw(t, "percent")
		c := newContest(writers, sets, changes, percent)
		if want := int(float64(writers*sets)*percent/100) * changes; len(c.contested) != want {
			t.Fatalf("%d objects are contested, want %d", len(c.contested), want)
		}
		l := newLedger(rapid.Uint64().Draw(t, "salt"), 200, c.counts()...)
		l.contest = c
		contested := map[uint32]bool{}
		for _, object := range c.contested {
			contested[object] = true
		}
		var scratch []byte
		for w, n := range c.counts() {
			l.made[w].Store(uint32(n))
			for i := range n {
				r := ref{uint32(w), uint32(i)}
				change := l.appendChange(nil, r)
				if w < writers && contested[c.updated(r)] {
					if _, _, err := l.check(change, &scratch); err == nil {
						t.Fatalf("%s may be sent as it was made, and is contested", change)
					}
					change = bytes.Replace(change, []byte(`"done":"yes",`), nil, 1)
				}
				if got, ours, err := l.check(change, &scratch); got != r || !ours || err != nil {
					t.Fatalf("%s is %v, %v, %v; want %v", change, got, ours, err, r)
				}
			}
		}
	})
}

func TestFlagsOfConflicts(t *testing.T) {
	for _, flags := range [][]string{{"--conflicts", "101"}, {"--conflicts", "NaN"}, {"--conflicts", "10", "--subscribe"}} {
		var out, log bytes.Buffer
		args := append([]string{"commit", "--url", "ws://127.0.0.1:1/"}, flags...)
		if code := execute(t.Context(), args, &out, &log); code != exitUsage || !strings.Contains(log.String(), "--conflicts") {
			t.Errorf("%s: exit code %d: %s", flags, code, &log)
		}
	}
}

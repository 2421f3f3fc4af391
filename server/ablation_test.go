//go:build ablation

package server_test

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"strings"
	"testing"

	"syncabled/conflict"
	"syncabled/revlog/fold"
	"syncabled/server"
)

var ablationSchedules = flag.Int("ablation", 1500, "how many schedules TestAblation plays at most to find a divergence")

// TestAblation switches off one rule after the other. Without it the model test
// finds clients that end different from the server. The seeds are where it finds
// the first; after a change of the model it has to look further.
func TestAblation(t *testing.T) {
	for _, a := range []struct {
		rules  string // with commas, if one of them is enough
		seed   uint64
		faults string // kinds of faults, if not all
	}{
		{rules: "own", seed: 13},
		{rules: "bases", seed: 10},
		{rules: "trim", seed: 515},
		{rules: "inset", seed: 1243},
		{rules: "blend", seed: 113},
		{rules: "yield", seed: 1},
		{rules: "net", seed: 29},
		{rules: "empty,first", seed: 20036},
		{rules: "partial", seed: 1052},
		{rules: "as create", seed: 2},
		{rules: "mark", seed: 12},
		{rules: "crossing", seed: 22},
		{rules: "resync", seed: 3752},
		{rules: "resynced", seed: 45},
		{rules: "doubt", seed: 21123},
		{rules: "refused", seed: 12},
		{rules: "read only", seed: 5},
		{rules: "succeed", seed: 120},
		{rules: "new tables", seed: 5},
		{rules: "given", seed: 836},
		{rules: "mute", seed: 33594, faults: "outage,mute,deafen"},
		{rules: "late", seed: 53},
	} {
		t.Run(a.rules, func(t *testing.T) {
			on, err := switchOff(a.rules)
			if err != nil {
				t.Fatal(err)
			}
			defer on()
			faults := kindsOf(cmp.Or(a.faults, "all"))
			for i := range *ablationSchedules {
				s := newSchedule(a.seed+uint64(i), faults)
				if len(runSchedule(t, s, false).failures) > 0 {
					t.Logf("differs with seed %d", s.seed)
					return
				}
			}
			t.Errorf("%d schedules from seed %d end equal without it", *ablationSchedules, a.seed)
		})
	}
}

// TestAblationOfWhatDexieMends switches off rules that no schedule shows to be
// necessary. Dexie.Syncable sends again what it was not told about, or another
// rule has the same object repaired. The protocol allows clients that are less
// careful; a conversation with one of them notices that the rule is off.
func TestAblationOfWhatDexieMends(t *testing.T) {
	for rule, conversation := range map[string]string{
		"unchanged":  "resent_set_wakes_nobody",
		"first":      "first_answer_comes_though_idle",
		"empty":      "own_commit_moves_base",
		"join":       "two_resyncs_are_joined",
		"let go":     "behind_what_was_sent",
		"lost ack":   "identity_given",
		"stale":      "older_set_on_newer_connection",
		"takeover":   "older_set_on_newer_connection",
		"stored":     "older_set_on_newer_connection",
		"narrow":     "older_set_on_newer_connection",
		"fence":      "fenced_connection_is_cut",
		"return":     "newest_connection_speaks",
		"base back":  "partial_messages_have_their_own_base",
		"unheard":    "partial_held_across_reconnect",
		"apart":      "held_set_is_left_to_who_may_write",
		"attempt":    "first_drops_an_earlier_attempt",
		"composed":   "first_begins_a_set_of_one_moment",
		"table base": "new_table_is_of_others_first",
		"stray":      "batch_that_may_stray",
		"spare":      "batch_that_may_stray",
	} {
		t.Run(rule, func(t *testing.T) {
			again := exec.Command(os.Args[0], "-off", rule, "-test.run", "TestConversations/^"+conversation+"$")
			if out, err := again.CombinedOutput(); err == nil || !bytes.Contains(out, []byte("--- FAIL: TestConversations/"+conversation)) {
				t.Errorf("%s is the same without it: %v\n%s", conversation, err, out)
			}
		})
	}
}

// switchOff switches rules off, named with commas between them, until the function
// that it returns is called.
func switchOff(names string) (on func(), err error) {
	all := maps.Clone(conflict.Rules())
	maps.Copy(all, fold.Rules())
	maps.Copy(all, server.Rules())
	var off []*bool
	for name := range strings.SplitSeq(names, ",") {
		if all[name] == nil {
			return nil, fmt.Errorf("there is no rule %q", name)
		}
		off = append(off, all[name])
	}
	set := func(value bool) {
		for _, rule := range off {
			*rule = value
		}
	}
	set(false)
	return func() { set(true) }, nil
}

// The flag -off switches rules off for a whole run.
func init() {
	flag.Func("off", "rules to switch off, with commas between their names", func(names string) error {
		_, err := switchOff(names)
		return err
	})
}

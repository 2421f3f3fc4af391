package main

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var revisionIn = regexp.MustCompile(`"currentRevision":(\d+)`)

// withRevision returns a frame of changes with another revision.
func withRevision(frame string, add int) string {
	return revisionIn.ReplaceAllStringFunc(frame, func(member string) string {
		rev, _ := strconv.Atoi(strings.TrimPrefix(member, `"currentRevision":`))
		return `"currentRevision":` + strconv.Itoa(rev+add)
	})
}

// changesOf returns the array of changes in a message.
func changesOf(frame string) string {
	start := strings.Index(frame, `"changes":[`) + len(`"changes":[`)
	return frame[start:strings.LastIndex(frame, "]")]
}

func holdsChanges(frame string) bool { return strings.Contains(frame, `"obj"`) }

// once is a tamper that changes the first frame for which it holds.
func once(holds func(frame string) bool, change func(frame, lastSet string) []string) func() tamper {
	return func() tamper {
		done := false
		return func(frame, lastSet string) []string {
			if done || !holds(frame) {
				return []string{frame}
			}
			done = true
			return change(frame, lastSet)
		}
	}
}

func isAck(id int) func(string) bool {
	return func(frame string) bool { return frame == `{"type":"ack","requestId":`+strconv.Itoa(id)+`}` }
}

// TestEveryViolationIsFound runs writers that subscribe against a server that
// does one thing wrong.
func TestEveryViolationIsFound(t *testing.T) {
	for _, test := range []struct {
		name, rule string
		patience   time.Duration // that is used up where something is missing
		tamper     func() tamper
	}{
		{"ack dropped", "missing", time.Second, once(isAck(3), func(string, string) []string { return nil })},
		{"ack twice", "wrong ack", 0, once(isAck(3), func(ack, _ string) []string { return []string{ack, ack} })},
		{"ack of another request", "wrong ack", 0, once(isAck(3), func(string, string) []string { return []string{`{"type":"ack","requestId":4}`} })},
		{"ack of no number", "wrong ack", 0, once(isAck(3), func(string, string) []string { return []string{`{"type":"ack","requestId":"3"}`} })},
		{"echo", "echo", 0, once(isAck(3), func(ack, set string) []string {
			return []string{ack, `{"type":"changes","changes":[` + changesOf(set) + `],"currentRevision":1000000,"partial":false}`}
		})},
		{"wrong object", "wrong object", 0, once(holdsChanges, func(frame, _ string) []string {
			return []string{strings.Replace(frame, "Milk", "Silk", 1)}
		})},
		{"object with the same meaning in other bytes", "wrong object", 0, once(holdsChanges, func(frame, _ string) []string {
			return []string{strings.Replace(frame, `"done":false`, `"done": false`, 1)}
		})},
		{"wrong type", "wrong object", 0, once(holdsChanges, func(frame, _ string) []string {
			return []string{strings.Replace(frame, `{"type":1,`, `{"type":2,`, 1)}
		})},
		{"object of nobody", "unknown object", 0, once(holdsChanges, func(frame, _ string) []string {
			return []string{strings.ReplaceAll(frame, `"key":"`, `"key":"f00`)}
		})},
		{"frame lost", "gap", 0, once(holdsChanges, func(string, string) []string { return nil })},
		{"changes lost", "gap", 0, once(holdsChanges, func(frame, _ string) []string {
			return []string{strings.Replace(frame, changesOf(frame), "", 1)}
		})},
		{"changes again", "duplicate", 0, once(holdsChanges, func(frame, _ string) []string {
			return []string{frame, withRevision(frame, 1)}
		})},
		{"changes again at the same revision", "revision standing still", 0, once(holdsChanges, func(frame, _ string) []string {
			return []string{frame, frame}
		})},
		{"frames out of order", "gap", 0, swapped},
		{"revision going back", "revision going back", 0, once(holdsChanges, func(frame, _ string) []string {
			return []string{frame, `{"type":"changes","changes":[],"currentRevision":0,"partial":false}`}
		})},
		{"revision going back within a batch", "revision going back", 0, once(holdsChanges, func(frame, _ string) []string {
			part := strings.Replace(withRevision(frame, 1000), `"partial":false`, `"partial":true`, 1)
			return []string{part, `{"type":"changes","changes":[],"currentRevision":999,"partial":false}`}
		})},
		{"second identity", "second identity", 0, once(isAck(3), func(ack, _ string) []string {
			return []string{ack, `{"type":"clientIdentity","clientIdentity":"other"}`}
		})},
		{"error", "error", 0, once(isAck(3), func(string, string) []string {
			return []string{`{"type":"error","requestId":3,"message":"no"}`}
		})},
		{"not JSON", "not the protocol", 0, once(isAck(3), func(string, string) []string { return []string{`{"type":"ack"`} })},
	} {
		t.Run(test.name, func(t *testing.T) {
			url := startTampering(t, startLimit(t), test.tamper)
			err := measure(t, url, commitMode{Writers: 2, Sets: 200, Changes: 1, Subscribe: true}, test.patience)
			var v *violation
			if !errors.As(err, &v) || v.rule != test.rule {
				t.Errorf("got %v, want the violation %q", err, test.rule)
			}
		})
	}
}

// swapped is a tamper that sends the first two frames of changes in the wrong
// order.
func swapped() tamper {
	held, done := "", false
	return func(frame, _ string) []string {
		switch {
		case done || !holdsChanges(frame):
			return []string{frame}
		case held == "":
			held = frame
			return nil
		}
		done = true
		return []string{frame, held}
	}
}

// TestTamperingIsNotTheViolation: what the other test finds is what was changed.
func TestTamperingIsNotTheViolation(t *testing.T) {
	url := startTampering(t, startLimit(t), func() tamper {
		return func(frame, _ string) []string { return []string{frame} }
	})
	if err := measure(t, url, commitMode{Writers: 2, Sets: 200, Changes: 1, Subscribe: true}, 0); err != nil {
		t.Error(err)
	}
}

func measure(t *testing.T, url string, m mode, patience time.Duration) error {
	t.Helper()
	target, err := parseTarget(url, 0, false)
	if err != nil {
		t.Fatal(err)
	}
	if patience == 0 {
		patience = time.Minute
	}
	_, err = m.measure(t.Context(), settings{Size: 200, Patience: patience}, target)
	return err
}

// TestChangesAgainAfterAReconnect: a client that has everything gets nothing when it
// comes back.
func TestChangesAgainAfterAReconnect(t *testing.T) {
	var mu sync.Mutex
	had := ""
	url := startTampering(t, startServer(t), func() tamper {
		return func(frame, _ string) []string {
			mu.Lock()
			defer mu.Unlock()
			switch {
			case holdsChanges(frame):
				had = changesOf(frame)
			case had != "" && revisionIn.MatchString(frame):
				return []string{withRevision(strings.Replace(frame, `"changes":[]`, `"changes":[`+had+`]`, 1), 1)}
			}
			return []string{frame}
		}
	})
	err := measure(t, url, reconnectMode{Objects: 10, Times: 2}, 0)
	var v *violation
	if !errors.As(err, &v) || v.rule != "duplicate" {
		t.Errorf("got %v, want the violation %q", err, "duplicate")
	}
}

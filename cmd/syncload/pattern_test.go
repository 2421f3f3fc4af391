package main

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// serverMessage is a message of a server with changes of a ledger.
func serverMessage(l *ledger, revision string, refs ...ref) []byte {
	var changes []string
	for _, r := range refs {
		changes = append(changes, string(l.appendChange(nil, r)))
	}
	return []byte(`{"type":"changes","changes":[` + strings.Join(changes, ",") + `],"currentRevision":` + revision + `,"partial":false}`)
}

// TestPattern: a message that follows the pattern is decoded as if it was parsed, and
// with any other byte in any place it is as strictly judged.
func TestPattern(t *testing.T) {
	l := newLedger(7, 120, 5, 5)
	l.sending(ref{0, 0}, 5, time.Now())
	l.sending(ref{1, 0}, 3, time.Now())
	if _, err := l.parse(serverMessage(l, "1", ref{0, 0})); err != nil {
		t.Fatal(err)
	}
	message := serverMessage(l, "12", ref{0, 1}, ref{1, 2})
	if l.decodeAlike(message) == nil {
		t.Fatal("it does not follow the pattern")
	}
	if l.decodeAlike(serverMessage(l, "12", ref{0, 1}, ref{1, 3})) != nil {
		t.Error("it has a change that nobody made")
	}
	for i := range message {
		for _, b := range []byte(`0x"]},`) {
			tampered := append([]byte(nil), message...)
			tampered[i] = b
			got := l.decodeAlike(tampered)
			want, err := l.parse(tampered)
			if got != nil && (err != nil || !reflect.DeepEqual(got, want)) {
				t.Errorf("%q in place of %q at %d: got %+v; parsed %+v, %v", b, message[i], i, got, want, err)
			}
		}
		if l.decodeAlike(message[:i]) != nil {
			t.Errorf("cut at %d: it follows the pattern", i)
		}
	}
}

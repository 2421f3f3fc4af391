package server_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"syncabled/protocol"
	"syncabled/server"
)

// fuzzLimits are small, so that inputs reach them.
var fuzzLimits = protocol.Limits{FrameBytes: 500, Changes: 20, Depth: 8, TableBytes: 16, KeyBytes: 64, PathSteps: 6}.WithDefaults()

// FuzzSession sends frames to a session: the lines of the input, of which those
// that begin with a zero byte are binary, and those of just "cut" and "pause" do
// that. Every message is answered, or the connection closed with a code that says
// whose fault it was, which is never the server's; and another client is served
// as if nothing had been. TestMain keeps the fuzzer from minimising, which would take
// nearly all of its time: an input takes milliseconds, and never the same way twice.
func FuzzSession(f *testing.F) {
	opening := identity("a") + "\n" + changes(1, object("k", 3)) + "\n" + subscribe(0)
	for _, lines := range []string{
		"",
		opening,
		opening + "\n" + opening,
		opening + "\ncut\n" + opening,
		opening + "\npause\n" + changes(2, `{"type":2,"table":"t","key":"k","mods":{"a.b":[1],"c":null}}`, `{"type":3,"table":"t","key":"k"}`),
		`{"type":"clientIdentity"}` + "\n" + `{"type":"changes","changes":[{"type":1,"table":"t","key":[1,"x"],"obj":0}],"partial":true,"baseRevision":0,"requestId":1}` + "\ncut\n" + opening,
		identity(strings.Repeat("i", 400)) + "\n" + changes(1, object("k", 1)),
		identity("a") + "\n" + subscribe(3),
		identity("a") + "\n\x00binary",
		identity("a") + "\n" + `{"type":"other"}` + "\n[]",
		strings.Repeat("x", 501),
		"\xff",
		`{"type":"changes","changes":[],"requestId":1}`,
	} {
		f.Add([]byte(lines))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		input = input[:min(len(input), 2000)]
		synctest.Test(t, func(t *testing.T) {
			s := startSite(t, server.Config{Limits: fuzzLimits, PageChanges: 3})
			witness := s.connect("/", nil)
			witness.send(identity("witness"), subscribe(0))
			witness.received()
			for _, connection := range bytes.Split(input, []byte("\ncut\n")) {
				converse(t, s, bytes.Split(connection, []byte("\n")))
			}
			if witness.received(); !witness.isOpen() {
				t.Fatalf("the other client was closed: %v", witness.ending())
			}
			witness.send(changes(1, object("witness", 1)))
			if got := witness.received(); !slices.Contains(got, firstAck) {
				t.Errorf("the other client got %q, want an ack", got)
			}
		})
	})
}

// converse sends frames on a connection of its own, checks what is answered and
// cuts the connection.
func converse(t *testing.T, s *site, frames [][]byte) {
	t.Helper()
	a := s.connect("/", nil)
	defer a.cut()
	var want expectation
	for _, frame := range frames {
		switch {
		case string(frame) == "pause":
			time.Sleep(time.Second)
		case len(frame) > 0 && frame[0] == 0:
			a.sendFrame(websocket.MessageBinary, frame)
			want.offend(int(websocket.StatusUnsupportedData))
		default:
			a.sendFrame(websocket.MessageText, frame)
			want.add(frame)
		}
	}
	want.check(t, a.received(), a.ending())
}

// An expectation is what a session has to answer, by a second, simpler reading of
// the rules.
type expectation struct {
	identified, subscribed bool
	offence                int // close code; 0 if there is none

	acks []string // for the messages before the offence
}

func (e *expectation) offend(code int) {
	if e.offence == 0 {
		e.offence = code
	}
}

func (e *expectation) add(frame []byte) {
	if e.offence != 0 {
		return
	}
	if len(frame) > fuzzLimits.FrameBytes {
		e.offend(int(websocket.StatusMessageTooBig))
		return
	}
	msg, err := protocol.Decode(frame, fuzzLimits)
	wrong := err != nil
	switch msg := msg.(type) {
	case protocol.ClientIdentity:
		wrong = e.identified
		e.identified = true
	case protocol.Changes:
		if wrong = !e.identified; !wrong {
			e.acks = append(e.acks, string(protocol.AppendAck(nil, msg.RequestID)))
		}
	case protocol.Subscribe:
		wrong = !e.identified || e.subscribed
		e.subscribed = e.identified
	}
	if wrong {
		e.offend(int(websocket.StatusProtocolError))
	}
}

// check compares what came with the expectation. A client that is ahead of the
// log is closed whenever the server finds out.
func (e *expectation) check(t *testing.T, messages []string, end *ending) {
	t.Helper()
	acks := slices.DeleteFunc(slices.Clone(messages), func(m string) bool { return !strings.HasPrefix(m, `{"type":"ack"`) })
	isAhead := end != nil && end.code == int(websocket.StatusPolicyViolation) && e.subscribed
	switch {
	case isAhead:
	case end == nil && e.offence != 0:
		t.Errorf("open after an offence, want close %d", e.offence)
	case end != nil && end.code != e.offence:
		t.Errorf("closed with %v, want %d", *end, e.offence)
	case !slices.Equal(acks, e.acks):
		t.Errorf("acknowledged %q, want %q", acks, e.acks)
	case end == nil && e.subscribed && !slices.ContainsFunc(messages, isCompleteBatch):
		t.Errorf("subscribe was not answered: %q", messages)
	}
}

func isCompleteBatch(message string) bool {
	return strings.HasPrefix(message, `{"type":"changes"`) && strings.HasSuffix(message, `"partial":false}`)
}

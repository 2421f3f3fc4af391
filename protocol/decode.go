package protocol

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// Decode reads one frame from a client. The message shares memory with frame.
// Limits are used as they are; see [Limits.WithDefaults].
//
// An error says that the frame is not the protocol, or has more bytes or changes
// than it may. A change that is at fault by itself is listed in
// [Changes.Refused].
func Decode(frame []byte, limits Limits) (Message, *Error) {
	if len(frame) > limits.FrameBytes {
		return nil, tooLargef("message of %d bytes is over the limit of %d; raise --max-frame on the server", len(frame), limits.FrameBytes)
	}
	if err := checkSyntax(frame); err != nil {
		return nil, err
	}
	members := readEnvelope(frame)
	name, err := members.messageType()
	if err != nil {
		return nil, err
	}
	switch name {
	case "changes":
		return members.decodeChanges(limits)
	case "clientIdentity", "subscribe":
		tables, err := decodeTables(members.tables, limits.TableBytes)
		switch {
		case err != nil:
			return nil, err
		case name == "subscribe":
			return Subscribe{Synced: decodeRevision(members.syncedRevision), IsNew: isNothing(members.syncedRevision), Tables: tables}, nil
		}
		return ClientIdentity{Identity: members.identityString(), Tables: tables}, nil
	}
	return Unknown{Type: excerpt([]byte(name))}, nil
}

func checkSyntax(frame []byte) *Error {
	if !utf8.Valid(frame) {
		return errorf("the frame is not valid UTF-8")
	}
	if !json.Valid(frame) {
		// Valid does not say where; decoding again does.
		return errorf("the frame is not valid JSON: %v", json.Unmarshal(frame, new(json.RawMessage)))
	}
	if frame[skipSpace(frame, 0)] != '{' {
		return errorf(`a message is a JSON object with a member "type", not %s`, excerpt(frame))
	}
	return nil
}

// envelope holds the raw members of a message. Absent members are nil; of a
// repeated member the last counts, as in JSON.parse.
type envelope struct {
	kind, clientIdentity, requestID, changes, baseRevision, partial, first, syncedRevision, tables []byte
}

func readEnvelope(frame []byte) envelope {
	var e envelope
	for name, value := range Members(frame) {
		switch name {
		case "type":
			e.kind = value
		case "clientIdentity":
			e.clientIdentity = value
		case "requestId":
			e.requestID = value
		case "changes":
			e.changes = value
		case "baseRevision":
			e.baseRevision = value
		case "partial":
			e.partial = value
		case "first":
			e.first = value
		case "syncedRevision":
			e.syncedRevision = value
		case "tables":
			e.tables = value
		}
	}
	return e
}

func (e envelope) messageType() (string, *Error) {
	if len(e.kind) == 0 || e.kind[0] != '"' {
		return "", errorf(`a message has a member "type" that is a string, such as "changes"`)
	}
	return Unquote(e.kind), nil
}

func (e envelope) identityString() string {
	if len(e.clientIdentity) == 0 || e.clientIdentity[0] != '"' {
		return ""
	}
	return Unquote(e.clientIdentity)
}

// MaxTables is how many tables a client may name, those that it names twice included.
const MaxTables = 1000

// decodeTables reads the tables that a client names, nil if it names none. Longest is
// the length of a name. It is shallow: an idle connection keeps the stack that its first
// messages needed.
func decodeTables(list []byte, longest int) ([]string, *Error) {
	if len(list) == 0 || string(list) == "null" {
		return nil, nil
	}
	if list[0] != '[' {
		return nil, errorf(`tables: an array of names, or left out to be sent all tables, not %s`, excerpt(list))
	}
	tables := []string{}
	for start := skipSpace(list, 1); list[start] != ']'; {
		end := skipValue(list, start)
		switch text := list[start:end]; {
		case len(tables) == MaxTables:
			return nil, errorf("tables: more than %d names; leave it out to be sent all tables", MaxTables)
		case text[0] != '"':
			return nil, errorf("tables[%d]: the name of a table, which is a string, not %s", len(tables), excerpt(text))
		}
		name := Unquote(list[start:end])
		if len(name) > longest {
			return nil, errorf("tables[%d]: a name of %d bytes is over the limit of %d; leave it out, or raise --max-table on the server", len(tables), len(name), longest)
		}
		tables = append(tables, name)
		start = nextItem(list, end)
	}
	return tables, nil
}

// maxRequestID is the most bytes that a requestId may have as it is written. It
// is repeated to the client, and kept until the client takes that in.
const maxRequestID = 64

func (e envelope) decodeChanges(limits Limits) (Message, *Error) {
	if !isNumber(e.requestID) {
		return nil, errorf("requestId: a message of changes has a number to acknowledge, not %s", orMissing(e.requestID))
	}
	if len(e.requestID) > maxRequestID {
		return nil, errorf("requestId: a number of %d bytes is over the limit of %d; count from 1 on each connection", len(e.requestID), maxRequestID)
	}
	msg := Changes{RequestID: string(e.requestID), Base: decodeRevision(e.baseRevision)}
	fail := func(err *Error) (Message, *Error) {
		err.RequestID = msg.RequestID
		return nil, err
	}
	var err *Error
	if msg.Partial, err = decodeBool(e.partial); err != nil {
		return fail(err.in("partial"))
	}
	if msg.First, err = decodeBool(e.first); err != nil {
		return fail(err.in("first"))
	}
	if len(e.changes) == 0 || e.changes[0] != '[' {
		return fail(errorf("changes: an array of changes, empty if there are none, not %s", orMissing(e.changes)))
	}
	for i, text := range Elements(e.changes) {
		if i == limits.Changes {
			return fail(tooLargef("changes: more than %d in one message; raise --max-changes on the server", limits.Changes))
		}
		change, err := decodeChange(text, limits)
		switch {
		case err == nil:
			msg.Changes = append(msg.Changes, change)
		case err.refusal:
			msg.Refused = append(msg.Refused, Refusal{change.Table, change.Key, text, err.Message})
		default:
			return fail(err.in("changes[%d]", i))
		}
	}
	return msg, nil
}

// decodeRevision reads a revision. Nothing and null are 0. What this server cannot
// have sent comes from another one, and is as far off as can be.
func decodeRevision(text []byte) Revision {
	if isNothing(text) {
		return 0
	}
	const longest = 20 // digits of the largest uint64
	if len(text) > longest {
		return MaxRevision
	}
	n, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil {
		return MaxRevision
	}
	return min(Revision(n), MaxRevision)
}

func isNothing(text []byte) bool { return len(text) == 0 || string(text) == "null" }

func decodeBool(text []byte) (bool, *Error) {
	switch string(text) {
	case "true":
		return true, nil
	case "false", "null", "":
		return false, nil
	}
	return false, errorf("true or false, not %s", excerpt(text))
}

func isNumber(text []byte) bool {
	return len(text) > 0 && (text[0] == '-' || text[0] >= '0' && text[0] <= '9')
}

func orMissing(text []byte) string {
	if len(text) == 0 {
		return "nothing"
	}
	return excerpt(text)
}

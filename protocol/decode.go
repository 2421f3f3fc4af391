package protocol

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Decode reads one frame from a client. The message shares memory with frame.
// Limits are used as they are; see [Limits.WithDefaults].
//
// An error says that the frame is not the protocol, or is over a limit.
func Decode(frame []byte, limits Limits) (Message, *Error) {
	if len(frame) > limits.FrameBytes {
		return nil, errorf("frame of %d bytes is over the limit of %d; set partialsThreshold in the client's protocol to send smaller messages", len(frame), limits.FrameBytes)
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
	case "clientIdentity":
		return ClientIdentity{Identity: members.identityString()}, nil
	case "changes":
		return members.decodeChanges(limits)
	case "subscribe":
		synced, err := decodeRevision(members.syncedRevision)
		if err != nil {
			return nil, err.in("syncedRevision")
		}
		return Subscribe{Synced: synced}, nil
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
	kind, clientIdentity, requestID, changes, baseRevision, partial, syncedRevision []byte
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
		case "syncedRevision":
			e.syncedRevision = value
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

func (e envelope) decodeChanges(limits Limits) (Message, *Error) {
	if !isNumber(e.requestID) {
		return nil, errorf("requestId: a message of changes has a number to acknowledge, not %s", orMissing(e.requestID))
	}
	msg := Changes{RequestID: string(e.requestID)}
	fail := func(err *Error) (Message, *Error) {
		err.RequestID = msg.RequestID
		return nil, err
	}
	var err *Error
	if msg.Base, err = decodeRevision(e.baseRevision); err != nil {
		return fail(err.in("baseRevision"))
	}
	if msg.Partial, err = decodeBool(e.partial); err != nil {
		return fail(err.in("partial"))
	}
	if len(e.changes) == 0 || e.changes[0] != '[' {
		return fail(errorf("changes: an array of changes, empty if there are none, not %s", orMissing(e.changes)))
	}
	for i, text := range Elements(e.changes) {
		if i == limits.Changes {
			return fail(errorf("changes: more than %d in one message; set partialsThreshold in the client's protocol to send fewer at a time", limits.Changes))
		}
		change, err := decodeChange(text, limits)
		if err != nil {
			return fail(err.in("changes[%d]", i))
		}
		msg.Changes = append(msg.Changes, change)
	}
	return msg, nil
}

func decodeChange(text []byte, limits Limits) (Change, *Error) {
	if text[0] != '{' {
		return Change{}, errorf("a change is an object, not %s", excerpt(text))
	}
	var kind, table, key, obj, mods []byte
	for name, value := range Members(text) {
		switch name {
		case "type":
			kind = value
		case "table":
			table = value
		case "key":
			key = value
		case "obj":
			obj = value
		case "mods":
			mods = value
		}
	}
	var change Change
	var err *Error
	if change.Type, err = decodeChangeType(kind); err != nil {
		return Change{}, err.in("type")
	}
	if change.Table, err = decodeTable(table, limits); err != nil {
		return Change{}, err.in("table")
	}
	if change.Key, err = decodeKey(key, limits); err != nil {
		return Change{}, err.in("key")
	}
	switch change.Type {
	case Create:
		change.Obj = obj
		err = checkObject(obj, limits)
	case Update:
		change.Mods = mods
		err = checkMods(mods, limits)
	}
	if err != nil {
		return Change{}, err
	}
	return change, nil
}

func decodeChangeType(text []byte) (ChangeType, *Error) {
	if len(text) == 1 && text[0] >= '1' && text[0] <= '3' {
		return ChangeType(text[0] - '0'), nil
	}
	return 0, errorf("1 for CREATE, 2 for UPDATE or 3 for DELETE, not %s", orMissing(text))
}

func decodeTable(text []byte, limits Limits) (string, *Error) {
	if len(text) == 0 || text[0] != '"' {
		return "", errorf("a string, not %s", orMissing(text))
	}
	table := Unquote(text)
	if len(table) > limits.TableBytes {
		return "", errorf("a name of %d bytes is over the limit of %d", len(table), limits.TableBytes)
	}
	return table, nil
}

func decodeKey(text []byte, limits Limits) (Key, *Error) {
	if len(text) == 0 {
		return "", errorf("missing")
	}
	key, err := ParseKey(text)
	if err != nil {
		return "", err
	}
	if len(key) > limits.KeyBytes {
		return "", errorf("a key of %d bytes is over the limit of %d", len(key), limits.KeyBytes)
	}
	return key, nil
}

func checkObject(obj []byte, limits Limits) *Error {
	if len(obj) == 0 {
		return errorf("obj: a CREATE carries the object; it is missing")
	}
	if depth := nesting(obj); depth > limits.Depth {
		return errorf("obj: nested %d deep, over the limit of %d", depth, limits.Depth)
	}
	return nil
}

func checkMods(mods []byte, limits Limits) *Error {
	if len(mods) == 0 || mods[0] != '{' {
		return errorf("mods: an UPDATE carries an object from key path to value, not %s", orMissing(mods))
	}
	for path, span := range MemberSpans(mods) {
		steps, err := checkPath(path, limits)
		if err != nil {
			return err.in("mods")
		}
		if depth := steps + nesting(span.Of(mods)); depth > limits.Depth {
			return errorf("mods: %q and its value are nested %d deep, over the limit of %d", excerpt(path), depth, limits.Depth)
		}
	}
	return nil
}

// checkPath returns the number of steps of a key path.
func checkPath(path []byte, limits Limits) (int, *Error) {
	steps := 1 + bytes.Count(path, []byte("."))
	if steps > limits.PathSteps {
		return 0, errorf("the key path %q has %d steps, over the limit of %d", excerpt(path), steps, limits.PathSteps)
	}
	for step := range bytes.SplitSeq(path, []byte(".")) {
		if isForbiddenStep(step) {
			return 0, errorf("the step %q of the key path %q is not allowed; rename the property", step, excerpt(path))
		}
	}
	return steps, nil
}

// Steps splits a key path the way Dexie walks it: at dots, of which there is no
// escape; a dot at the end of a path of several steps does not count.
func Steps(path string) []string {
	steps := strings.Split(path, ".")
	if last := len(steps) - 1; last > 0 && steps[last] == "" {
		return steps[:last]
	}
	return steps
}

// isForbiddenStep reports whether a step reaches into a prototype: in older
// versions of Dexie such an assignment changes every object of the page.
func isForbiddenStep(step []byte) bool {
	switch string(step) {
	case "__proto__", "constructor", "prototype":
		return true
	}
	return false
}

func decodeRevision(text []byte) (Revision, *Error) {
	if len(text) == 0 || bytes.Equal(text, []byte("null")) {
		return 0, nil
	}
	n, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil || Revision(n) > MaxRevision {
		return 0, errorf("a currentRevision that this server sent, or null, not %s", excerpt(text))
	}
	return Revision(n), nil
}

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

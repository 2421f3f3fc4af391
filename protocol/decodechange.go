package protocol

import (
	"bytes"
	"strings"
)

// decodeChange reads one change. With an error it returns as much as it could
// read.
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
		return change, err.in("type")
	}
	if change.Table, err = decodeTable(table, limits); err != nil {
		return change, err.in("table")
	}
	if change.Key, err = decodeKey(key, limits); err != nil {
		return change, err.in("key")
	}
	switch change.Type {
	case Create:
		change.Obj = obj
		err = checkObject(obj, limits)
	case Update:
		change.Mods = mods
		err = checkMods(mods, limits)
	}
	return change, err
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
		return "", refusef("a name of %d bytes is over the limit of %d", len(table), limits.TableBytes)
	}
	return table, nil
}

func decodeKey(text []byte, limits Limits) (Key, *Error) {
	if len(text) == 0 {
		return "", errorf("missing; %s", declareKey)
	}
	key, err := ParseKey(text)
	if err != nil {
		return "", err
	}
	if len(key) > limits.KeyBytes {
		return "", refusef("a key of %d bytes is over the limit of %d", len(key), limits.KeyBytes)
	}
	return key, nil
}

func checkObject(obj []byte, limits Limits) *Error {
	if len(obj) == 0 {
		return errorf("obj: a CREATE carries the object; it is missing")
	}
	if len(obj) > limits.ObjectBytes {
		return refusef("obj: %d bytes, over the limit of %d", len(obj), limits.ObjectBytes)
	}
	if depth := nesting(obj); depth > limits.Depth {
		return refusef("obj: nested %d deep, over the limit of %d", depth, limits.Depth)
	}
	return nil
}

func checkMods(mods []byte, limits Limits) *Error {
	if len(mods) == 0 || mods[0] != '{' {
		return errorf("mods: an UPDATE carries an object from key path to value, not %s", orMissing(mods))
	}
	if len(mods) > limits.ObjectBytes {
		return refusef("mods: %d bytes, over the limit of %d", len(mods), limits.ObjectBytes)
	}
	for path, span := range MemberSpans(mods) {
		steps, err := checkPath(path, limits)
		if err != nil {
			return err.in("mods")
		}
		if depth := steps + nesting(span.Of(mods)); depth > limits.Depth {
			return refusef("mods: %q and its value are nested %d deep, over the limit of %d", excerpt(path), depth, limits.Depth)
		}
	}
	return nil
}

// checkPath returns the number of steps of a key path.
func checkPath(path []byte, limits Limits) (int, *Error) {
	steps := 1 + bytes.Count(path, []byte("."))
	if steps > limits.PathSteps {
		return 0, refusef("the key path %q has %d steps, over the limit of %d", excerpt(path), steps, limits.PathSteps)
	}
	for step := range bytes.SplitSeq(path, []byte(".")) {
		if isForbiddenStep(step) {
			return 0, refusef("the step %q of the key path %q is not allowed; rename the property", step, excerpt(path))
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

// IsStep reports whether the name of a property can be a step of a key path that clients
// are sent.
func IsStep(name string) bool {
	return !strings.Contains(name, ".") && !isForbiddenStep([]byte(name))
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

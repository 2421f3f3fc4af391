package conflict_test

import (
	"strconv"
	"strings"

	"pgregory.net/rapid"

	"syncabled/protocol"
)

// The generators draw from small alphabets, so that paths meet.

var (
	drawName = rapid.SampledFrom([]string{"a", "b", "c", "0", "1", "2", "", "toString"})
	drawStep = rapid.OneOf(drawName, rapid.SampledFrom([]string{"a", "b", "0", "1", "3", "01", "5"}))

	drawPrimitive = rapid.SampledFrom([]string{
		"null", "false", "0", "-0", "0.0", "0e5", "1e-400", `""`,
		"1", "true", `"x"`, `"a.b"`, "12345678901234567890", "1.0", "1e400", `"\ud800"`,
	})
	drawSpace = rapid.SampledFrom([]string{"", "", "", " ", "\n\t"})

	drawPath = rapid.Custom(func(t *rapid.T) string {
		steps := rapid.SliceOfN(drawStep, 1, 4).Draw(t, "steps")
		return strings.Join(steps, ".") + rapid.SampledFrom([]string{"", "", "", "."}).Draw(t, "dot")
	})
	drawValue = rapid.Custom(func(t *rapid.T) []byte { return []byte(value(t, 3)) })
	drawState = rapid.Custom(func(t *rapid.T) []byte { // an object that may not exist
		if rapid.IntRange(0, 9).Draw(t, "exists") == 9 {
			return nil
		}
		return []byte(value(t, 4))
	})
	drawMods = rapid.Custom(func(t *rapid.T) []byte {
		return []byte(object(t, drawPath, 2, 4))
	})
	drawChange = rapid.Custom(func(t *rapid.T) protocol.Change {
		c := protocol.Change{Table: "table", Key: `"key"`}
		c.Type = rapid.SampledFrom([]protocol.ChangeType{
			protocol.Update, protocol.Update, protocol.Update, protocol.Update, protocol.Create, protocol.Delete,
		}).Draw(t, "type")
		switch c.Type {
		case protocol.Create:
			c.Obj = drawValue.Draw(t, "obj")
		case protocol.Update:
			c.Mods = drawMods.Draw(t, "mods")
		}
		return c
	})
	drawRun = rapid.SliceOfN(drawChange, 0, 6)
)

func value(t *rapid.T, depth int) string {
	kind := rapid.IntRange(0, 5).Draw(t, "kind")
	switch {
	case depth == 0 || kind < 2:
		return drawPrimitive.Draw(t, "primitive")
	case kind < 5:
		return object(t, drawName, depth-1, 4)
	}
	var b strings.Builder
	b.WriteString("[" + drawSpace.Draw(t, "space"))
	for i := range rapid.IntRange(0, 4).Draw(t, "elements") {
		if i > 0 {
			b.WriteString("," + drawSpace.Draw(t, "space"))
		}
		b.WriteString(value(t, depth-1) + drawSpace.Draw(t, "space"))
	}
	return b.String() + "]"
}

// object returns an object with values of a depth. Names may be repeated, and
// spelled with escapes.
func object(t *rapid.T, names *rapid.Generator[string], depth, members int) string {
	var b strings.Builder
	b.WriteString("{" + drawSpace.Draw(t, "space"))
	for i := range rapid.IntRange(0, members).Draw(t, "members") {
		if i > 0 {
			b.WriteString("," + drawSpace.Draw(t, "space"))
		}
		b.WriteString(spell(t, names.Draw(t, "name")) + drawSpace.Draw(t, "space") + ":" + drawSpace.Draw(t, "space"))
		b.WriteString(value(t, depth) + drawSpace.Draw(t, "space"))
	}
	return b.String() + "}"
}

func spell(t *rapid.T, name string) string {
	if name == "" || rapid.IntRange(0, 7).Draw(t, "escaped") != 7 {
		return strconv.Quote(name)
	}
	const hex = "0123456789abcdef"
	return `"\u00` + string(hex[name[0]>>4]) + string(hex[name[0]&15]) + name[1:] + `"`
}

package conflict_test

import (
	"fmt"

	"syncabled/conflict"
	"syncabled/protocol"
)

// Others have set a property that a client sets, too, without knowing of it. What is
// left of its update is what they have not touched.
func ExampleEffect_Transform() {
	var others conflict.Effect
	others = others.Then(protocol.Change{Type: protocol.Update, Table: "notes", Key: "1", Mods: []byte(`{"text":"bread"}`)})

	rest, ok := others.Transform(protocol.Change{Type: protocol.Update, Table: "notes", Key: "1", Mods: []byte(`{"text":"milk","done":true}`)})
	fmt.Printf("%v %s\n", ok, rest.Mods)

	others = others.Then(protocol.Change{Type: protocol.Delete, Table: "notes", Key: "1"})
	_, ok = others.Transform(rest)
	fmt.Println(ok)
	// Output:
	// true {"done":true}
	// false
}

// Apply returns the object after a change.
func ExampleApply() {
	object := []byte(`{"text":"milk","tags":["food"]}`)
	object = conflict.Apply(object, protocol.Change{Type: protocol.Update, Mods: []byte(`{"done":true,"tags.1":"home"}`)})
	fmt.Printf("%s\n", object)
	// Output: {"text":"milk","tags":["food","home"],"done":true}
}

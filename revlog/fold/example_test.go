package fold_test

import (
	"fmt"
	"log"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/fold"
)

// A fold returns what a set adds to the state that it meets. Here that is the state of
// an empty log.
func ExampleFold() {
	f := fold.New()
	if err := f.Begin(nothing{}); err != nil {
		log.Fatal(err)
	}
	receipt, err := f.Apply(revlog.Set{Client: "ann", Changes: []protocol.Change{
		{Type: protocol.Create, Table: "notes", Key: `"n1"`, Obj: []byte(`{"id":"n1","done":false}`)},
		{Type: protocol.Update, Table: "notes", Key: `"n1"`, Mods: []byte(`{"done":true}`)},
	}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("head", receipt.Head)
	result := f.Result()
	for _, e := range result.Entries {
		fmt.Println(string(e.AppendJSON(nil)))
	}
	fmt.Printf("%s\n", result.Objects[fold.ObjectKey("notes", `"n1"`)].Value)
	// Output:
	// head 2
	// {"revision":1,"type":"create","table":"notes","key":"n1","obj":{"id":"n1","done":false},"client":1}
	// {"revision":2,"type":"update","table":"notes","key":"n1","mods":{"done":true},"client":1,"previous":1}
	// {"id":"n1","done":true}
}

// nothing is the view of an empty log.
type nothing struct{}

func (nothing) Head() (protocol.Revision, error)                  { return 0, nil }
func (nothing) Entry(protocol.Revision) (e revlog.Entry, _ error) { return e, nil }
func (nothing) Object(string) (o fold.Object, _ error)            { return o, nil }
func (nothing) Client(string) (c fold.Client, _ error)            { return c, nil }
func (nothing) LastClient() (uint64, error)                       { return 0, nil }
func (nothing) EachHeld(uint64, func(*fold.Part) error) error     { return nil }
func (nothing) HeldCount(uint64) (int, error)                     { return 0, nil }

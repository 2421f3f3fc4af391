package revlog_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/boltlog"
)

// Two clients change one property without knowing of each other. The set that comes
// first wins; the other client reads what it has missed.
func ExampleLog() {
	folder, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	var notes revlog.Log
	notes, err = boltlog.Open(filepath.Join(folder, "notes.db"), boltlog.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer notes.Close()

	ctx := context.Background()
	submit := func(client string, base protocol.Revision, change protocol.Change) {
		receipt, err := notes.Submit(ctx, revlog.Set{Client: client, Base: base, Changes: []protocol.Change{change}})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s added %d entries, the head is %d\n", client, receipt.Appended, receipt.Head)
	}
	note := protocol.Change{Table: "notes", Key: `"n1"`}

	note.Type, note.Obj = protocol.Create, []byte(`{"id":"n1","text":"milk"}`)
	submit("ann", 0, note)
	note.Type, note.Obj, note.Mods = protocol.Update, nil, []byte(`{"text":"milk and bread"}`)
	submit("ann", 1, note)
	note.Mods = []byte(`{"text":"oat milk","done":true}`)
	submit("ben", 1, note)

	page, err := notes.Read(ctx, revlog.Query{Reader: "ben", After: 1})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("ben gets %s and is at %d\n", page.Changes[0].Mods, page.Revision)
	// Output:
	// ann added 1 entries, the head is 1
	// ann added 1 entries, the head is 2
	// ben added 1 entries, the head is 3
	// ben gets {"text":"milk and bread"} and is at 3
}

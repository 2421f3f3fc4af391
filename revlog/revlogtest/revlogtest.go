// Package revlogtest is what every [revlog.Log] has to do, as tests: [Run] is
// the conformance suite, and [Log] and [Client] are the words it is written in.
package revlogtest

import (
	"testing"

	"syncabled/revlog"
)

// A Store is where one database of an implementation lives.
type Store interface {
	// Open opens the database. It is called again only after the log that it
	// returned before was closed or has crashed. The store closes what is
	// still open when the test ends.
	Open(tb testing.TB) revlog.Log

	// Crash ends a log the way the end of its process does: what is durable
	// stays, everything else is lost.
	Crash(tb testing.TB, log revlog.Log)
}

// Run tests an implementation. It asks for a new store for each test.
func Run(t *testing.T, newStore func(testing.TB) Store) {
	for _, suite := range []struct {
		name  string
		tests []test
	}{
		{"Conflicts", conflictTests},
		{"Effects", effectTests},
		{"Sets", setTests},
		{"Partial", partialTests},
		{"Finish", finishTests},
		{"Read only", readOnlyTests},
		{"Outbound", outboundTests},
		{"Names", nameTests},
		{"Read", readTests},
		{"Pages", pageTests},
		{"Tables", tableTests},
		{"Entries", entryTests},
		{"Wait", waitTests},
		{"Contexts", contextTests},
		{"Close", closeTests},
		{"Reopen", reopenTests},
		{"Concurrency", concurrencyTests},
	} {
		t.Run(suite.name, func(t *testing.T) {
			for _, test := range suite.tests {
				t.Run(test.name, func(t *testing.T) {
					test.run(t, Open(t, newStore(t)))
				})
			}
		})
	}
	t.Run("Convergence", func(t *testing.T) { convergeTest(t, newStore) })
}

// convergeTest plays some schedules without faults.
func convergeTest(t *testing.T, newStore func(testing.TB) Store) {
	for seed := range uint64(50) {
		s := NewSchedule(seed)
		if err := Converge(t.Context(), newStore(t).Open(t), s, func(string, ...any) {}); err != nil {
			t.Fatalf("%+v: %v", s, err)
		}
	}
}

// A test is one behaviour of a log that is empty when the test begins.
type test struct {
	name string
	run  func(t *testing.T, log *Log)
}

package boltlog_test

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// A seed is all it takes to run a failed test again; no files for that.
	_ = flag.Set("rapid.nofailfile", "true")
	if underRace {
		_ = flag.Set("rapid.checks", "30") // unless the command line says otherwise
	}
	// A commit of a log that was given up may wait in bbolt for ever.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("go.etcd.io/bbolt.(*DB).mmap"))
}

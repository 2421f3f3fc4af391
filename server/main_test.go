package server_test

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	_ = flag.Set("test.fuzzminimizetime", "10x") // unless the command line says otherwise
	goleak.VerifyTestMain(m)
}

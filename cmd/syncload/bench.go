package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// benchCommand compares servers. Each measurement has a server of its own, on
// fresh data; the servers take turns, because machines change their speed.
type benchCommand struct {
	Server     string     `required:"" type:"existingfile" placeholder:"FILE" help:"The syncabled program."`
	Node       string     `placeholder:"FILE" help:"A server for Node to compare with, started with a port, such as testdata/js/bench/ram-server.js."`
	Comparison comparison `embed:"" set:"rounds=5"`
}

// A benchCase is a mode with its parameters, and the figures to compare.
type benchCase struct {
	name    string
	mode    mode
	figures []string
}

func benchCases(quick bool) []benchCase {
	n := comparison{Quick: quick}.small
	during := time.Duration(n(5000, 500)) * time.Millisecond
	commit := []string{"changes", "server CPU per change"}
	return []benchCase{
		{"1 writer", commitMode{Writers: 1, Sets: n(4000, 50), Changes: 1}, commit},
		{"16 writers that subscribe", commitMode{Writers: 16, Sets: n(1000, 20), Changes: 1, Subscribe: true}, commit},
		{"the same beside one that never reads", commitMode{Writers: 16, Sets: n(1000, 20), Changes: 1, Subscribe: true, Stalled: 1}, commit},
		{"16 that subscribe, 100,000 changes in the log", commitMode{Writers: 16, Sets: n(1000, 20), Changes: 1, Subscribe: true, Before: n(100_000, 1000)}, commit},
		{"256 writers", commitMode{Writers: 256, Sets: n(400, 4), Changes: 1}, commit},
		{"fan-out at 20 sets/s", fanoutMode{Subscribers: n(1000, 20), Rate: 20, For: during}, []string{"delivery p50", "delivery p99", "server CPU per delivery"}},
		{"initial sync", initialMode{Objects: n(100_000, 2000)}, []string{"all", "first bytes"}},
		{"reconnect, up to date", reconnectMode{Objects: n(10_000, 500), Times: n(100, 5)}, []string{"answer p50"}},
		{"resync, 100 behind", resyncMode{Objects: n(10_000, 500), Behind: 100}, []string{"all"}},
		{"idle", idleMode{Connections: n(10_000, 20), For: during}, []string{"memory each", "memory each after broadcasts", "second broadcast max"}},
		{"idle, each names 20 tables", idleMode{Connections: n(10_000, 20), Tables: 20, For: during}, []string{"memory each", "memory each after broadcasts", "second broadcast max"}},
		{"mixed", mixedMode{Clients: n(500, 20), Writers: 0.01, Think: 100 * time.Millisecond, Leave: 0.1, For: during}, []string{"delivery p99", "server CPU per delivery"}},
	}
}

// Run measures everything and prints one table, with Syncabled as a multiple of the
// others.
func (c benchCommand) Run(w world) error {
	candidates, err := c.candidates(w.stderr)
	if err != nil {
		return err
	}
	var all []turns
	for _, bc := range benchCases(c.Comparison.Quick) {
		t := turns{name: bc.name, figures: bc.figures}
		for _, candidate := range candidates {
			t.contenders = append(t.contenders, contender{candidate.name, func(ctx context.Context) ([]figure, error) {
				return candidate.measure(ctx, bc.mode, benchSettings)
			}})
		}
		all = append(all, t)
	}
	return c.Comparison.run(w, all, func(syncabled, other float64) float64 { return syncabled / other })
}

// benchSettings are those of all measurements, unless they say otherwise.
var benchSettings = settings{Size: 200, Patience: 30 * time.Second}

// candidates returns the servers to compare, Syncabled first.
func (c benchCommand) candidates(stderr io.Writer) ([]candidate, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	candidates := []candidate{
		syncabled(c.Server),
		{"limit", func(dir string) *exec.Cmd {
			return exec.Command(self, "limit", "--file", filepath.Join(dir, "log"))
		}},
	}
	if c.Node == "" {
		return candidates, nil
	}
	modules := filepath.Join(filepath.Dir(c.Node), "..", "node_modules", "nodejs-websocket")
	if _, err := exec.LookPath("node"); err != nil {
		fmt.Fprintln(stderr, "without Node: it is not installed")
		return candidates, nil
	}
	if _, err := os.Stat(modules); err != nil {
		fmt.Fprintln(stderr, "without Node: its packages are not installed; npm --prefix testdata/js ci")
		return candidates, nil
	}
	return append(candidates, candidate{"node", func(string) *exec.Cmd { return exec.Command("node", c.Node, "0") }}), nil
}

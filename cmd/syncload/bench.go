package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// benchCommand compares servers. Each measurement has a server of its own, on
// fresh data; the servers take turns, because machines change their speed.
type benchCommand struct {
	Server      string        `required:"" type:"existingfile" placeholder:"FILE" help:"The syncabled program."`
	Node        string        `placeholder:"FILE" help:"A server for Node to compare with, started with a port, such as testdata/js/bench/ram-server.js."`
	Rounds      int           `default:"5" help:"Turns (${default}); the table has the median, the least and the most."`
	Only        string        `placeholder:"TEXT" help:"Only the measurements whose name holds a text, such as writer."`
	Quick       bool          `help:"Small numbers, one round: to see that all works. The figures mean nothing."`
	JSON        bool          `help:"Print JSON."`
	MaxDuration time.Duration `default:"45m" help:"For all of it, or it has failed (${default})."`
}

// A benchCase is a mode with its parameters, and the figures to compare.
type benchCase struct {
	name    string
	mode    mode
	figures []string
}

func benchCases(quick bool) []benchCase {
	n := func(full, small int) int {
		if quick {
			return small
		}
		return full
	}
	during := time.Duration(n(5000, 500)) * time.Millisecond
	commit := []string{"changes", "server CPU per change"}
	return []benchCase{
		{"1 writer", commitMode{Writers: 1, Sets: n(4000, 50), Changes: 1}, commit},
		{"16 writers that subscribe", commitMode{Writers: 16, Sets: n(1000, 20), Changes: 1, Subscribe: true}, commit},
		{"the same beside one that never reads", commitMode{Writers: 16, Sets: n(1000, 20), Changes: 1, Subscribe: true, Stalled: 1}, commit},
		{"16 that subscribe, 100,000 changes in the log", commitMode{Writers: 16, Sets: n(1000, 20), Changes: 1, Subscribe: true, Before: n(100_000, 1000)}, commit},
		{"256 writers", commitMode{Writers: 256, Sets: n(200, 4), Changes: 1}, commit},
		{"fan-out at 20 sets/s", fanoutMode{Subscribers: n(1000, 20), Rate: 20, For: during}, []string{"delivery p50", "delivery p99", "server CPU per delivery"}},
		{"initial sync", initialMode{Objects: n(100_000, 2000)}, []string{"all", "first bytes"}},
		{"resync, 100 behind", resyncMode{Objects: n(10_000, 500), Behind: 100}, []string{"all"}},
		{"idle", idleMode{Connections: n(5000, 20), For: during}, []string{"memory each", "memory each after broadcasts", "second broadcast max"}},
		{"mixed", mixedMode{Clients: n(500, 20), Writers: 0.01, Think: 100 * time.Millisecond, Leave: 0.1, For: during}, []string{"delivery p99", "server CPU per delivery"}},
	}
}

// Run measures everything and prints one table.
func (c benchCommand) Run(w world) error {
	ctx, cancel := context.WithTimeoutCause(w.ctx, c.MaxDuration, fmt.Errorf("not done after %v (--max-duration)", c.MaxDuration))
	defer cancel()
	if c.Quick {
		c.Rounds = 1
	}
	candidates, err := c.candidates(w.stderr)
	if err != nil {
		return err
	}
	lines, failure := c.measureAll(ctx, candidates, w.stderr)
	// What was measured before a failure stands.
	if c.JSON {
		err = writeJSON(w.stdout, lines)
	} else {
		err = writeBench(w.stdout, lines)
	}
	return errors.Join(failure, err)
}

func (c benchCommand) measureAll(ctx context.Context, candidates []candidate, stderr io.Writer) ([]benchLine, error) {
	lines := []benchLine{}
	for _, bc := range benchCases(c.Quick) {
		if !strings.Contains(bc.name, c.Only) {
			continue
		}
		measured, err := c.measure(ctx, bc, candidates, stderr)
		if err != nil {
			return lines, err
		}
		lines = append(lines, measured...)
	}
	return lines, nil
}

// candidates returns the servers to compare, Syncabled first.
func (c benchCommand) candidates(stderr io.Writer) ([]candidate, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	candidates := []candidate{
		{"syncabled", func(dir string) *exec.Cmd {
			return exec.Command(c.Server, "--listen", "127.0.0.1:0", "--data", filepath.Join(dir, "data"))
		}},
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

// measure runs one case on all candidates in turns.
func (c benchCommand) measure(ctx context.Context, bc benchCase, candidates []candidate, stderr io.Writer) ([]benchLine, error) {
	lines := make([]benchLine, len(bc.figures))
	for i, name := range bc.figures {
		lines[i] = benchLine{Case: bc.name, Figure: name, Servers: make([]benchValue, len(candidates))}
	}
	for round := range c.Rounds {
		for i, candidate := range candidates {
			fmt.Fprintf(stderr, "%s: %s, round %d of %d\n", bc.name, candidate.name, round+1, c.Rounds)
			figures, err := candidate.measure(ctx, bc.mode)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", bc.name, candidate.name, err)
			}
			for n := range lines {
				lines[n].add(i, candidate.name, figures)
			}
		}
	}
	return lines, nil
}

// A benchLine is one figure of all servers.
type benchLine struct {
	Case    string       `json:"case"`
	Figure  string       `json:"figure"`
	Unit    string       `json:"unit"`
	Servers []benchValue `json:"servers"`
}

// A benchValue is a figure of one server, of all rounds in order of size.
type benchValue struct {
	Server string    `json:"server"`
	Median float64   `json:"median"`
	Rounds []float64 `json:"rounds"`
}

func (l *benchLine) add(server int, name string, figures []figure) {
	v := &l.Servers[server]
	v.Server = name
	for _, f := range figures {
		if f.Name == l.Figure {
			l.Unit = f.Unit
			v.Rounds = append(v.Rounds, f.Value)
		}
	}
	if slices.Sort(v.Rounds); len(v.Rounds) > 0 {
		v.Median = v.Rounds[len(v.Rounds)/2]
	}
}

// writeBench prints a table with, for each figure, Syncabled as a multiple of
// the others.
func writeBench(w io.Writer, lines []benchLine) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, line := range lines {
		fmt.Fprintf(table, "%s\t%s\t%s", line.Case, line.Figure, line.Unit)
		for i, v := range line.Servers {
			if len(v.Rounds) == 0 {
				continue
			}
			fmt.Fprintf(table, "\t%s %s (%s to %s)", v.Server, number(v.Median), number(v.Rounds[0]), number(slices.Max(v.Rounds)))
			if i > 0 && v.Median > 0 {
				fmt.Fprintf(table, "  ratio %.2f", line.Servers[0].Median/v.Median)
			}
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
}

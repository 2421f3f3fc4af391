package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// comparison is what commands have in common that let contenders take turns and
// print a table.
type comparison struct {
	Rounds      int           `default:"${rounds}" help:"Turns (${default}); the table has the median, the least and the most."`
	Only        string        `placeholder:"TEXT" help:"Only the measurements whose name holds a text, such as writer."`
	Quick       bool          `help:"Small numbers, one round: to see that all works. The figures mean nothing."`
	JSON        bool          `help:"Print JSON."`
	MaxDuration time.Duration `default:"45m" help:"For all of it, or it has failed (${default})."`
}

// run measures everything and prints one table. What was measured before a failure
// stands.
func (c comparison) run(w world, all []turns, relate func(first, other float64) float64) error {
	ctx, cancel := context.WithTimeoutCause(w.ctx, c.MaxDuration, fmt.Errorf("not done after %v (--max-duration)", c.MaxDuration))
	defer cancel()
	lines, failure := c.measure(ctx, all, w.stderr)
	var err error
	if c.JSON {
		err = writeJSON(w.stdout, lines)
	} else {
		err = writeLines(w.stdout, lines, relate)
	}
	return errors.Join(failure, err)
}

func (c comparison) measure(ctx context.Context, all []turns, progress io.Writer) ([]line, error) {
	rounds := c.Rounds
	if c.Quick {
		rounds = 1
	}
	lines := []line{}
	for _, t := range all {
		if !strings.Contains(t.name, c.Only) {
			continue
		}
		measured, err := t.take(ctx, rounds, progress)
		if err != nil {
			return lines, err
		}
		lines = append(lines, measured...)
	}
	return lines, nil
}

// writeLines prints a table with, for each figure, how the first contender's and
// those of the others relate.
func writeLines(w io.Writer, lines []line, relate func(first, other float64) float64) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, l := range lines {
		fmt.Fprintf(table, "%s\t%s\t%s", l.Case, l.Figure, l.Unit)
		for i, v := range l.Values {
			if len(v.Rounds) == 0 {
				continue
			}
			fmt.Fprintf(table, "\t%s: %s (%s to %s)", v.Name, number(v.Median), number(v.Rounds[0]), number(slices.Max(v.Rounds)))
			if first := l.Values[0].Median; i > 0 && first > 0 && v.Median > 0 {
				fmt.Fprintf(table, "  ratio %.2f", relate(first, v.Median))
			}
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
}

// small returns the first number, or the second if it is to be quick.
func (c comparison) small(full, small int) int {
	if c.Quick {
		return small
	}
	return full
}

package main

import (
	"context"
	"fmt"
	"io"
	"slices"
)

// turns are contenders that are measured in turns, because machines change their
// speed.
type turns struct {
	name       string
	figures    []string // that are of interest
	contenders []contender
}

// A contender is something to measure, once in each round.
type contender struct {
	name    string
	measure func(context.Context) ([]figure, error)
}

// take lets the contenders take their turns, and returns a line for each figure.
func (t turns) take(ctx context.Context, rounds int, progress io.Writer) ([]line, error) {
	lines := make([]line, len(t.figures))
	for i, name := range t.figures {
		lines[i] = line{Case: t.name, Figure: name, Values: make([]measured, len(t.contenders))}
	}
	for round := range rounds {
		for i, c := range t.contenders {
			fmt.Fprintf(progress, "%s: %s, round %d of %d\n", t.name, c.name, round+1, rounds)
			figures, err := c.measure(ctx)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", t.name, c.name, err)
			}
			for n := range lines {
				lines[n].add(i, c.name, figures)
			}
		}
	}
	return lines, nil
}

// A line is one figure of all contenders.
type line struct {
	Case   string     `json:"case"`
	Figure string     `json:"figure"`
	Unit   string     `json:"unit"`
	Values []measured `json:"values"`
}

// measured is a figure of one contender, of all rounds in order of size.
type measured struct {
	Name   string    `json:"name"`
	Median float64   `json:"median"`
	Rounds []float64 `json:"rounds"`
}

func (l *line) add(contender int, name string, figures []figure) {
	v := &l.Values[contender]
	v.Name = name
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

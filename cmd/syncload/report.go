package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"
)

// A figure is something that was measured.
type figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
}

func inMilliseconds(name string, d time.Duration) figure {
	return figure{name, float64(d) / float64(time.Millisecond), "ms"}
}

// times returns the figures of a histogram.
func times(name string, h *histogram) []figure {
	return []figure{
		inMilliseconds(name+" p50", h.quantile(0.5)),
		inMilliseconds(name+" p99", h.quantile(0.99)),
		inMilliseconds(name+" max", h.max()),
	}
}

// perUnit returns what the server used for each of n things. There is nothing to
// say if its process is not known.
func perUnit(name string, before, after usage, n int) []figure {
	if after.resident == 0 || n == 0 {
		return nil
	}
	cpu := float64((after.cpu - before.cpu).Microseconds()) / float64(n)
	return []figure{
		{"server CPU per " + name, cpu, "us"},
		{"server memory", float64(after.resident) / (1 << 20), "MiB"},
	}
}

// A report is the result of one run.
type report struct {
	Mode    string   `json:"mode"`
	Target  string   `json:"target"`
	Figures []figure `json:"figures"`
}

func (r report) write(w io.Writer, asJSON bool) error {
	if asJSON {
		return writeJSON(w, r)
	}
	fmt.Fprintf(w, "%s  %s\n", r.Mode, r.Target)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range r.Figures {
		fmt.Fprintf(table, "  %s\t%s %s\n", f.Name, number(f.Value), f.Unit)
	}
	return table.Flush()
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// grouped writes a whole number with a comma before each three digits.
func grouped(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// number writes a value with three digits that count.
func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

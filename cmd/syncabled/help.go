package main

import (
	"slices"

	"github.com/alecthomas/kong"
)

// helpCommand is another way to write --help.
type helpCommand struct {
	Command []string `arg:"" optional:"" help:"The command; without it, the help of the program is shown."`
}

// Validate refuses what is not a command.
func (c helpCommand) Validate() error {
	ctx, err := kong.Trace(newParser(new(commands), newSettings(noEnvironment)), c.arguments())
	if err != nil {
		return err
	}
	return explainTrace(ctx)
}

// Run prints what --help prints. What else the command line lacks does not matter.
func (c helpCommand) Run(w world) error {
	shown := false
	_, err := newParser(new(commands), newSettings(noEnvironment),
		kong.Writers(w.stdout, w.stderr), kong.Exit(func(int) { shown = true })).Parse(c.arguments())
	if shown {
		return nil
	}
	return err
}

func (c helpCommand) arguments() []string { return append(slices.Clone(c.Command), "--help") }

func noEnvironment(string) string { return "" }

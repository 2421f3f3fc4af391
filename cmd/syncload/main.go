// Command syncload loads a sync server that speaks the protocol of Syncabled, and
// checks strictly what it does.
//
// Every mode is a run of clients that make changes of which all is known
// beforehand, so that every answer can be checked: each set is acknowledged
// once, and each client gets every change of the others once, in order, with the
// bytes that were sent, and none of its own. A run with one violation has
// failed, whatever it measured.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// Exit codes.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

type commands struct {
	Commit    modeCommand[commitMode]    `cmd:"" help:"Measure acknowledged sets: writers, each with one set under way."`
	Fanout    modeCommand[fanoutMode]    `cmd:"" help:"Measure delivery: one writer, many subscribers."`
	Initial   modeCommand[initialMode]   `cmd:"" help:"Measure the first sync of a new client."`
	Resync    modeCommand[resyncMode]    `cmd:"" help:"Measure a client that comes back some changes behind."`
	Reconnect modeCommand[reconnectMode] `cmd:"" help:"Measure a client that comes back and has everything."`
	Idle      modeCommand[idleMode]      `cmd:"" help:"Measure idle connections, and a change that reaches all."`
	Mixed     modeCommand[mixedMode]     `cmd:"" help:"Soak: readers, a few writers that think, reconnects."`
	Bench     benchCommand               `cmd:"" help:"Compare servers in all modes, in turns."`
	Growth    growthCommand              `cmd:"" help:"Show how the cost of a server grows with what it has to do."`
	Limit     limitCommand               `cmd:"" help:"Serve with nothing but a file behind: the physical limit."`
}

const description = `Syncload loads a sync server and checks what it does: every set has to be acknowledged once, and every change has to reach every other client once, in order, as it was sent.

    $ syncload commit --url ws://127.0.0.1:8080/db/load --pid $(pidof syncabled) --writers 16 --subscribe

Use a database that nobody else writes to. A target is on this machine unless --load-a-remote-machine is given.

The program exits with 0 when all was well, with 1 when something failed, a violation among others, and with 2 when it was called wrongly.`

// world is what a command works in.
type world struct {
	ctx    context.Context
	stdout io.Writer
	stderr io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := execute(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// execute runs the program and returns its exit code.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	code := -1
	parser := kong.Must(new(commands),
		kong.Name("syncload"),
		kong.Description(description),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.Writers(stdout, stderr),
		kong.Exit(func(c int) { code = c }))
	command, err := parser.Parse(args)
	if code >= 0 { // --help was answered
		return code
	}
	if err != nil {
		fmt.Fprintf(stderr, "syncload: %v\nSee 'syncload --help'.\n", err)
		return exitUsage
	}
	if err := command.Run(world{ctx, stdout, stderr}); err != nil {
		fmt.Fprintln(stderr, "syncload:", err)
		return exitError
	}
	return exitOK
}

// A mode is something to measure. It returns the first violation.
type mode interface {
	measure(context.Context, settings, target) ([]figure, error)
}

// modeCommand runs a mode against one server.
type modeCommand[M mode] struct {
	Mode     M        `embed:""`
	Settings settings `embed:""`

	URL         string        `required:"" placeholder:"URL" help:"Database to load, such as ws://127.0.0.1:8080/db/load."`
	Pid         int           `placeholder:"PID" help:"Process of the server, to report its CPU time and memory (Linux)."`
	JSON        bool          `help:"Print JSON."`
	MaxDuration time.Duration `default:"5m" help:"For the whole run, or it has failed (${default})."`
	Remote      bool          `name:"load-a-remote-machine" help:"Allow a target that is not on this machine."`
}

// Validate refuses parameters of the mode that do not go together.
func (c modeCommand[M]) Validate() error {
	if m, ok := mode(c.Mode).(interface{ Validate() error }); ok {
		return m.Validate()
	}
	return nil
}

// Run measures and prints a report.
func (c modeCommand[M]) Run(w world, command *kong.Context) error {
	t, err := parseTarget(c.URL, c.Pid, c.Remote)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(w.ctx, c.MaxDuration, fmt.Errorf("not done after %v (--max-duration)", c.MaxDuration))
	defer cancel()
	figures, err := c.Mode.measure(ctx, c.Settings, t)
	if err != nil {
		return err
	}
	return report{command.Command(), c.URL, figures}.write(w.stdout, c.JSON)
}

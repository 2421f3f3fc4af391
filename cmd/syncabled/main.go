// Command syncabled is a sync server for browser apps that keep their data in
// IndexedDB with Dexie.js and sync it with Dexie.Syncable.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// Exit codes.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

// commands are the subcommands of the program. The tags of their flags are the
// only place where a flag, its default and its help are written down.
type commands struct {
	Config      file             `placeholder:"FILE" help:"File with settings: flags of serve without the --, such as listen = \":8080\"."`
	ShowVersion kong.VersionFlag `name:"version" help:"Print the version and exit."`

	Serve   serveCommand   `cmd:"" default:"withargs" help:"Serve databases to clients (the default command)."`
	Backup  backupCommand  `cmd:"" help:"Copy databases, while a server runs or not."`
	Restore restoreCommand `cmd:"" help:"Restore databases from copies that backup made."`
	Verify  verifyCommand  `cmd:"" help:"Check that the files of databases are intact."`
	Health  healthCommand  `cmd:"" help:"Ask a server whether it is well."`
	Refused refusedCommand `cmd:"" help:"Print the changes that a database refused."`
	Inspect inspectCommand `cmd:"" help:"Print the log of a database, while a server runs or not."`
	Token   tokenCommand   `cmd:"" help:"Make tokens for clients, and check them."`
	Version versionCommand `cmd:"" help:"Print the version and what it was built with."`

	Completion completionCommand `cmd:"" help:"Print a script that completes commands and flags in a shell."`
	Help       helpCommand       `cmd:"" help:"Show the help of a command."`
}

const description = `Syncabled is the sync server for browser apps that use Dexie.js and Dexie.Syncable.

Start it, with nothing to set up:

    $ syncabled

and connect an app, in JavaScript, to a database of its own, such as todos:

    await db.open()
    db.syncable.connect("websocket", "ws://127.0.0.1:8080/db/todos").catch(console.warn)

Open the database first, or the app does not work while the server cannot be
reached. README.md has a complete page.

Serve the app itself too, to the whole network, and keep the data elsewhere:

    $ export SYNCABLED_JWT_SECRET=$(openssl rand -base64 32)
    $ syncabled --listen :8080 --static ./app --data /var/lib/syncabled --jwt-cookie sync
    $ syncabled token --sub alice --db 'team-*'

The path of the URL chooses the database: /db/NAME, or / for the one called
"default". It is made when the first client connects, as one file in the data
folder. "syncabled serve --help" has all flags.

The program exits with 0 when it was asked to end, with 1 when something failed,
and with 2 when it was called wrongly.`

// world is what a command works in.
type world struct {
	ctx    context.Context // done when the program is asked to end
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	parse  func() (*call, error) // reads the command line, the environment and the file again
}

// A call is a command line that was read.
type call struct {
	commands commands
	context  *kong.Context
	settings *settings
	hint     string // where to find what the call should have been, if it is wrong
}

func main() {
	os.Exit(run(signals(), os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
}

// signals returns a context that ends with the first SIGINT or SIGTERM. The
// second one ends the program at once.
func signals() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	caught := make(chan os.Signal, 2)
	signal.Notify(caught, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-caught
		cancel()
		<-caught
		os.Exit(exitError)
	}()
	return ctx
}

// run runs the program and returns its exit code.
func run(ctx context.Context, args []string, env func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	code := -1
	parse := func() (*call, error) {
		c := &call{settings: newSettings(env)}
		var err error
		c.context, err = newParser(&c.commands, c.settings,
			kong.Writers(stdout, stderr),
			kong.Exit(func(status int) { code = status })).Parse(args)
		c.hint = helpHint(err)
		return c, explainCall(err)
	}
	c, err := parse()
	if code >= 0 { // --help was answered
		return code
	}
	if err != nil {
		fmt.Fprintf(stderr, "syncabled: %v\n%s\n", err, c.hint)
		return exitUsage
	}
	w := world{ctx, stdin, stdout, stderr, parse}
	if err := c.context.Run(w, c); err != nil {
		fmt.Fprintln(stderr, "syncabled:", err)
		return exitError
	}
	return exitOK
}

// newParser returns a parser that fills in cmds.
func newParser(cmds *commands, settings *settings, options ...kong.Option) *kong.Kong {
	return kong.Must(cmds, append(options,
		kong.Name("syncabled"),
		kong.Description(description),
		kong.Vars{"version": versionText()},
		kong.Resolvers(settings),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}))...)
}

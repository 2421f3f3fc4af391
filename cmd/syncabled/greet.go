package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"github.com/mattn/go-isatty"
	"github.com/rs/zerolog"

	"syncabled/protocol"
	"syncabled/revlog"
)

// A head is how far a database has come.
type head struct {
	name string
	rev  protocol.Revision
}

// mostHeads is how many databases are looked at when the server starts.
const mostHeads = 20

// heads opens and closes the first databases of the folder, so that a folder
// that cannot be served is found out at the start. It returns how many there are.
func (c serveCommand) heads(dir *revlog.Dir) ([]head, int, error) {
	names, err := dir.Names()
	if err != nil {
		return nil, 0, err
	}
	var heads []head
	for _, name := range names[:min(mostHeads, len(names))] {
		db, err := dir.Open(name)
		if err != nil {
			return nil, 0, err
		}
		heads = append(heads, head{name, db.Head()})
		if err := db.Close(); err != nil {
			return nil, 0, err
		}
	}
	return heads, len(names), nil
}

// greet says where the server is: to a person with a banner, to a machine with
// a log line.
func (c serveCommand) greet(w world, logger zerolog.Logger, addr net.Addr, heads []head, databases int) {
	url := "ws://" + addr.String() + "/"
	if !isTerminal(w.stderr) {
		logger.Info().Str("url", url).Str("data", c.Data).Str("version", version).Int("databases", databases).Msg("listening")
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n  Syncabled %s\n\n", version)
	fmt.Fprintf(&b, "  sync   %s   (database \"default\"; others at %sdb/NAME)\n", url, url)
	if c.Static != "" {
		fmt.Fprintf(&b, "  files  http://%s/   from %s\n", addr, c.Static)
	}
	fmt.Fprintf(&b, "  data   %s\n", c.Data)
	for _, h := range heads {
		fmt.Fprintf(&b, "         %-20s at revision %d\n", h.name, h.rev)
	}
	if more := databases - len(heads); more > 0 {
		fmt.Fprintf(&b, "         and %d more\n", more)
	}
	fmt.Fprintln(&b, "\n  Ctrl-C ends it.")
	fmt.Fprintln(w.stderr, b.String())
}

// newLogger returns a logger of JSON lines, or of readable ones on a terminal.
func newLogger(out io.Writer, level string) zerolog.Logger {
	parsed, err := zerolog.ParseLevel(level)
	if err != nil {
		parsed = zerolog.InfoLevel
	}
	if isTerminal(out) {
		out = zerolog.ConsoleWriter{Out: out, TimeFormat: "15:04:05"}
	}
	return zerolog.New(out).Level(parsed).With().Timestamp().Logger()
}

func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}

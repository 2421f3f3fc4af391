package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"github.com/mattn/go-isatty"
	"github.com/rs/zerolog"

	"syncabled/protocol"
	"syncabled/revlog/boltlog"
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
func (c serveCommand) heads(dir *boltlog.Dir) ([]head, int, error) {
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
		rev, err := db.Head()
		if err := errors.Join(err, db.Close()); err != nil {
			return nil, 0, err
		}
		heads = append(heads, head{name, rev})
	}
	return heads, len(names), nil
}

// greet says where the server is: to a person with a banner, to a machine with
// a log line.
func (c serveCommand) greet(w world, logger zerolog.Logger, addr net.Addr, heads []head, databases int) {
	host := reachable(addr)
	if isTerminal(w.stderr) {
		fmt.Fprint(w.stderr, c.banner(host, heads, databases))
		return
	}
	logger.Info().Str("url", c.scheme("ws")+"://"+host+"/").Str("data", c.Data).Str("version", version).Int("databases", databases).
		Bool("authentication", c.isSet()).Msg("listening")
}

// reachable returns host and port at which this machine reaches an address that
// the server listens on.
func reachable(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return addr.String()
	}
	return fmt.Sprintf("localhost:%d", tcp.Port)
}

// scheme returns ws or http, or the name of what it is over TLS.
func (c serveCommand) scheme(plain string) string {
	if c.TLSCert != "" {
		return plain + "s"
	}
	return plain
}

func (c serveCommand) banner(host string, heads []head, databases int) string {
	var b strings.Builder
	line := func(title, format string, args ...any) {
		fmt.Fprintf(&b, "  %-6s %s\n", title, fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(&b, "\n  Syncabled %s\n\n", version)
	line("sync", "%s://%s/db/NAME", c.scheme("ws"), host)
	if c.Static != "" {
		line("pages", "%s://%s/ from %s", c.scheme("http"), host, c.Static)
	}
	if !c.isSet() {
		line("open", "to everybody who reaches it: there is no authentication")
	}
	line("data", "%s", c.Data)
	for _, h := range heads {
		line("", "%s at revision %d", h.name, h.rev)
	}
	if more := databases - len(heads); more > 0 {
		line("", "and %d more", more)
	}
	b.WriteString("\n  Ctrl-C ends it.\n\n")
	return b.String()
}

// newLogger returns a logger of JSON lines, or of readable ones on a terminal.
func newLogger(out io.Writer, least *level) zerolog.Logger {
	if isTerminal(out) {
		out = zerolog.ConsoleWriter{Out: out, TimeFormat: "15:04:05"}
	}
	return zerolog.New(out).Sample(least).With().Timestamp().Logger()
}

func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}

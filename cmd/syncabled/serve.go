package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/server"
)

// serveCommand serves the databases of a data folder.
type serveCommand struct {
	Listen      address         `group:"Serving:" default:"127.0.0.1:8080" placeholder:"ADDR" help:"Address to listen on, host:port (${default}). Without a host: all of this machine. Port 0: a free one."`
	Data        string          `group:"Serving:" default:"data" type:"path" placeholder:"DIR" help:"Folder of the databases (./data); it is made if there is none. One process at a time may have it."`
	Static      folder          `group:"Serving:" placeholder:"DIR" help:"Folder of files to serve beside the sync endpoint, such as the app itself."`
	AllowOrigin []originPattern `group:"Serving:" placeholder:"PATTERN" help:"Origins whose pages may connect, beside those of the same host and of localhost: app.example.com, *.example.com, https://app.example.com, or * for all."`
	LogLevel    string          `group:"Serving:" default:"info" enum:"debug,info,warn,error" placeholder:"LEVEL" help:"What to log: debug, info, warn or error (${default}). On a terminal the log is for people, elsewhere it is lines of JSON."`

	MaxFrame    size  `group:"Limits:" default:"64MiB" placeholder:"SIZE" help:"Largest message from a client (${default}). Clients without partialsThreshold upload their whole database in one."`
	MaxChanges  count `group:"Limits:" default:"1000000" placeholder:"N" help:"Most changes in one message from a client (${default})."`
	MaxDepth    count `group:"Limits:" default:"128" placeholder:"N" help:"Deepest nesting of an object (${default})."`
	MaxTable    size  `group:"Limits:" default:"256" placeholder:"SIZE" help:"Longest name of a table, in bytes (${default})."`
	MaxKey      size  `group:"Limits:" default:"4KiB" placeholder:"SIZE" help:"Longest key of an object, as JSON (${default})."`
	MaxSteps    count `group:"Limits:" default:"100" placeholder:"N" help:"Most steps of a key path (${default})."`
	PageChanges count `group:"Limits:" default:"50000" placeholder:"N" help:"Most changes in one message to a client (${default}); what is more goes out in several."`
	PageBytes   size  `group:"Limits:" default:"8MiB" placeholder:"SIZE" help:"Most changes in one message to a client, by size (${default}); a larger object goes out alone."`

	PingInterval span `group:"Timing:" default:"30s" placeholder:"TIME" help:"Between two pings of a connection (${default})."`
	PingTimeout  span `group:"Timing:" default:"15s" placeholder:"TIME" help:"For the answer to a ping, or the connection is closed (${default})."`
	WriteTimeout span `group:"Timing:" default:"30s" placeholder:"TIME" help:"For a client to take in anything of what it is sent, or the connection is closed (${default})."`
	IdleTimeout  span `group:"Timing:" default:"1m" placeholder:"TIME" help:"From the end of a database's last connection to the closing of its file (${default})."`
	HoldTimeout  span `group:"Timing:" default:"10s" placeholder:"TIME" help:"For a client to go on with a set that it sent in part, or that part is committed (${default})."`
	DrainTimeout span `group:"Timing:" default:"5s" placeholder:"TIME" help:"Over which connections are closed, one after the other, when the server ends (${default})."`
}

// Help is printed between the summary of the command and its flags.
func (serveCommand) Help() string {
	return `Every flag has an environment variable: --max-frame is SYNCABLED_MAX_FRAME. The flag wins. Sizes are bytes, or have a unit: 64MiB.

SIGINT (Ctrl-C) and SIGTERM end the server: what was received is committed, and clients are told to come back. A second signal ends it at once; what it acknowledged is on disk.`
}

// Run serves until the program is asked to end.
func (c serveCommand) Run(w world) error {
	dir, err := revlog.OpenDir(c.Data, revlog.Options{})
	if err != nil {
		return explainData(err)
	}
	defer dir.Close()
	heads, databases, err := c.heads(dir)
	if err != nil {
		return explainData(err)
	}
	l, err := net.Listen("tcp", string(c.Listen))
	if err != nil {
		return explainListen(err)
	}
	logger := newLogger(w.stderr, c.LogLevel)
	c.greet(w, logger, l.Addr(), heads, databases)
	stop := context.AfterFunc(w.ctx, func() {
		logger.Info().Stringer("within", time.Duration(c.DrainTimeout)).Msg("ending; a second signal ends it at once")
	})
	defer stop()
	s := server.New(c.config(dir, logger))
	if end, err := serveControl(c.Data, s.Control()); err != nil {
		logger.Warn().Err(err).Msg("no backups while this server runs: it cannot listen on a socket in the data folder")
	} else {
		defer end()
	}
	if err := s.Serve(w.ctx, l); err != nil {
		return err
	}
	logger.Info().Msg("ended")
	return nil
}

func (c serveCommand) config(dir *revlog.Dir, logger zerolog.Logger) server.Config {
	config := server.Config{
		Open: func(name string) (revlog.Log, error) { return dir.Open(name) },
		Limits: protocol.Limits{
			FrameBytes: int(c.MaxFrame),
			Changes:    int(c.MaxChanges),
			Depth:      int(c.MaxDepth),
			TableBytes: int(c.MaxTable),
			KeyBytes:   int(c.MaxKey),
			PathSteps:  int(c.MaxSteps),
		},
		PageChanges:  int(c.PageChanges),
		PageBytes:    int(c.PageBytes),
		PingInterval: time.Duration(c.PingInterval),
		PingTimeout:  time.Duration(c.PingTimeout),
		WriteTimeout: time.Duration(c.WriteTimeout),
		IdleTimeout:  time.Duration(c.IdleTimeout),
		HoldTimeout:  time.Duration(c.HoldTimeout),
		DrainTime:    time.Duration(c.DrainTimeout),
		Logger:       logger,
	}
	for _, pattern := range c.AllowOrigin {
		config.AllowOrigin = append(config.AllowOrigin, string(pattern))
	}
	if c.Static != "" {
		config.Static = http.FileServer(http.Dir(c.Static))
	}
	return config
}

// explainData adds to an error of the data folder what mends it.
func explainData(err error) error {
	switch {
	case errors.Is(err, revlog.ErrLocked):
		return fmt.Errorf("%w; if that is another syncabled, stop it, or choose another folder with --data", err)
	case errors.Is(err, revlog.ErrFormat):
		return fmt.Errorf("%w; the file was left as it is: move it away, or choose another folder with --data", err)
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%w; a file is in the way: move it, or choose another folder with --data", err)
	case errors.Is(err, os.ErrPermission), errors.Is(err, syscall.EROFS), errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("%w; make the folder writable, or choose another one with --data", err)
	}
	return err
}

// explainListen adds to an error of the address what mends it.
func explainListen(err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%w; stop the program that listens there, or choose another address with --listen", err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%w; ports below 1024 need privileges: choose another one with --listen", err)
	}
	return fmt.Errorf("%w; choose an address of this machine with --listen", err)
}

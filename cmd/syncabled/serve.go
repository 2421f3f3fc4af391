package main

import (
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
	Listen      string   `default:"127.0.0.1:8080" env:"SYNCABLED_LISTEN" placeholder:"ADDR" help:"Address to listen on, host:port (${default}). Port 0 picks a free one."`
	Data        string   `default:"data" env:"SYNCABLED_DATA" type:"path" placeholder:"DIR" help:"Folder of the databases (./data); it is made if there is none."`
	Static      string   `env:"SYNCABLED_STATIC" type:"existingdir" placeholder:"DIR" help:"Folder of files to serve beside the sync endpoint, such as the app itself."`
	AllowOrigin []string `env:"SYNCABLED_ALLOW_ORIGIN" placeholder:"PATTERN" help:"Pages of other origins that may connect: app.example.com, *.example.com, https://app.example.com, or * for all. Those of the same host and of localhost always may."`

	LogLevel string `default:"info" enum:"debug,info,warn,error" env:"SYNCABLED_LOG_LEVEL" placeholder:"LEVEL" help:"What to log: debug, info, warn or error (${default})."`

	MaxFrame   int `default:"67108864" env:"SYNCABLED_MAX_FRAME" placeholder:"BYTES" help:"Largest message of a client (${default}). Clients without partialsThreshold upload their whole database in one."`
	MaxChanges int `default:"1000000" env:"SYNCABLED_MAX_CHANGES" placeholder:"N" help:"Most changes in one message of a client (${default})."`
	MaxDepth   int `default:"128" env:"SYNCABLED_MAX_DEPTH" placeholder:"N" help:"Deepest nesting of an object (${default})."`
	MaxTable   int `default:"256" env:"SYNCABLED_MAX_TABLE" placeholder:"BYTES" help:"Longest name of a table (${default})."`
	MaxKey     int `default:"4096" env:"SYNCABLED_MAX_KEY" placeholder:"BYTES" help:"Longest key of an object, as JSON (${default})."`
	MaxSteps   int `default:"100" env:"SYNCABLED_MAX_STEPS" placeholder:"N" help:"Most steps of a key path (${default})."`

	PageChanges int `default:"50000" env:"SYNCABLED_PAGE_CHANGES" placeholder:"N" help:"Most changes in one message to a client (${default})."`
	PageBytes   int `default:"8388608" env:"SYNCABLED_PAGE_BYTES" placeholder:"BYTES" help:"Most bytes of changes in one message to a client (${default})."`

	PingInterval time.Duration `default:"30s" env:"SYNCABLED_PING_INTERVAL" placeholder:"TIME" help:"Time between pings of a connection (${default})."`
	PingTimeout  time.Duration `default:"15s" env:"SYNCABLED_PING_TIMEOUT" placeholder:"TIME" help:"Time for the answer to a ping (${default})."`
	WriteTimeout time.Duration `default:"30s" env:"SYNCABLED_WRITE_TIMEOUT" placeholder:"TIME" help:"Time for a client to take in some of what it is sent (${default})."`
	IdleTimeout  time.Duration `default:"1m" env:"SYNCABLED_IDLE_TIMEOUT" placeholder:"TIME" help:"Time from the last connection of a database to its closing (${default})."`
	DrainTimeout time.Duration `default:"5s" env:"SYNCABLED_DRAIN_TIMEOUT" placeholder:"TIME" help:"Time over which connections are closed when the server ends (${default})."`
}

// Run serves until the program is asked to end.
func (c serveCommand) Run(w world) error {
	dir, err := revlog.OpenDir(c.Data, revlog.Options{})
	if err != nil {
		return c.explain(err)
	}
	defer dir.Close()
	heads, databases, err := c.heads(dir)
	if err != nil {
		return c.explain(err)
	}
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return c.explain(err)
	}
	logger := newLogger(w.stderr, c.LogLevel)
	c.greet(w, logger, l.Addr(), heads, databases)
	err = server.New(c.config(dir, logger)).Serve(w.ctx, l)
	logger.Info().Err(err).Msg("ended")
	return err
}

func (c serveCommand) config(dir *revlog.Dir, logger zerolog.Logger) server.Config {
	config := server.Config{
		Open:        func(name string) (revlog.Log, error) { return dir.Open(name) },
		AllowOrigin: c.AllowOrigin,
		Limits: protocol.Limits{
			FrameBytes: c.MaxFrame,
			Changes:    c.MaxChanges,
			Depth:      c.MaxDepth,
			TableBytes: c.MaxTable,
			KeyBytes:   c.MaxKey,
			PathSteps:  c.MaxSteps,
		},
		PingInterval: c.PingInterval,
		PingTimeout:  c.PingTimeout,
		WriteTimeout: c.WriteTimeout,
		IdleTimeout:  c.IdleTimeout,
		DrainTime:    c.DrainTimeout,
		PageChanges:  c.PageChanges,
		PageBytes:    c.PageBytes,
		Logger:       logger,
	}
	if c.Static != "" {
		config.Static = http.FileServer(http.Dir(c.Static))
	}
	return config
}

// explain adds to an error of the start what mends it.
func (c serveCommand) explain(err error) error {
	switch {
	case errors.Is(err, revlog.ErrLocked):
		return fmt.Errorf("%w: another syncabled serves this folder; stop it, or choose another folder with --data", err)
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%w: another program listens there; stop it, or choose another address with --listen", err)
	case errors.Is(err, syscall.EACCES) && errors.As(err, new(*net.OpError)):
		return fmt.Errorf("%w: ports below 1024 need privileges; choose another address with --listen", err)
	case errors.Is(err, os.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w: make the folder writable, or choose another one with --data", err)
	}
	return err
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/boltlog"
	"syncabled/server"
)

// serveCommand serves the databases of a data folder.
type serveCommand struct {
	Listen      address         `group:"Serving:" default:"127.0.0.1:8080" placeholder:"ADDR" help:"Address to listen on, host:port (${default}). Without a host: all of this machine. Port 0: a free one."`
	Data        string          `group:"Serving:" default:"data" type:"path" placeholder:"DIR" help:"Folder of the databases (./data); it is created if it does not exist. Only one process at a time can use it."`
	Static      folder          `group:"Serving:" placeholder:"DIR" help:"Folder of files to serve beside the sync endpoint, such as the app itself."`
	AllowHost   []hostPattern   `group:"Serving:" placeholder:"HOST" help:"Hosts that the server answers for without authentication, beside localhost, IP addresses and the hosts of --allow-origin: sync.example.com, *.example.com, or * for all. A server behind a proxy, or with a name, needs it."`
	AllowOrigin []originPattern `group:"Serving:" placeholder:"PATTERN" help:"Origins whose pages may connect, beside those of the same host and of localhost: app.example.com, *.example.com, https://app.example.com, http://[2001:db8::1]:3000, or * for all. With --jwt-cookie, a pattern without a scheme means https."`
	TLSCert     file            `group:"Serving:" name:"tls-cert" placeholder:"FILE" help:"Speak TLS (wss, https) with this certificate and its chain, PEM. It is loaded again when the file changes."`
	TLSKey      file            `group:"Serving:" name:"tls-key" placeholder:"FILE" help:"The key of the certificate, PEM."`
	LogLevel    string          `group:"Serving:" default:"info" enum:"debug,info,warn,error" placeholder:"LEVEL" help:"What to log: debug, info, warn or error (${default}). On a terminal the log is for people, elsewhere it is lines of JSON."`

	authFlags    `embed:""`
	InsecureOpen bool `group:"Authentication:" help:"Serve everybody who reaches the address, without authentication."`

	MaxConnections           count     `group:"Connections:" default:"20000" placeholder:"N" help:"Most connections (${default}). Further ones are closed with 1013."`
	MaxConnectionsPerAddress count     `group:"Connections:" placeholder:"N" help:"Most connections from one address, or one network of IPv6 with 64 bits (any number). Further ones are closed with 1013."`
	MaxHandshakes            count     `group:"Connections:" default:"2000" placeholder:"N" help:"Most connections that are not in sync yet (${default}). If there are more, the oldest is closed."`
	TrustProxy               []network `group:"Connections:" placeholder:"ADDR" help:"Proxies whose X-Forwarded-For says what address a connection comes from: 10.0.0.1, 10.0.0.0/8."`
	MaxMessagesPerSecond     count     `group:"Connections:" default:"10000" placeholder:"N" help:"Most messages a second from one connection (${default}). One that sends more is closed with 1008."`
	MaxBytesPerSecond        size      `group:"Connections:" default:"64MiB" placeholder:"SIZE" help:"Most bytes a second from one connection (${default}). One that sends more is read more slowly."`

	MaxFrame         size  `group:"Limits:" default:"64MiB" placeholder:"SIZE" help:"Largest message from a client (${default}). An app with an older sync-protocol.js sends its whole database in one when it first connects. If that is more, raise this."`
	MaxChanges       count `group:"Limits:" default:"1000000" placeholder:"N" help:"Most changes in one message from a client (${default})."`
	MaxObject        size  `group:"Limits:" default:"16MiB" placeholder:"SIZE" help:"Largest object (${default}). A change that makes a larger one is refused."`
	MaxDepth         count `group:"Limits:" default:"128" placeholder:"N" help:"Deepest nesting of an object (${default})."`
	MaxTable         size  `group:"Limits:" default:"256" placeholder:"SIZE" help:"Longest name of a table, in bytes (${default})."`
	MaxKey           size  `group:"Limits:" default:"4KiB" placeholder:"SIZE" help:"Longest key of an object, as JSON (${default})."`
	MaxSteps         count `group:"Limits:" default:"100" placeholder:"N" help:"Most steps of a key path (${default})."`
	MaxHeldPerClient size  `group:"Limits:" default:"256MiB" placeholder:"SIZE" help:"Most that is held of one client's set until its last part has come (${default}). What is more is closed with 1009. An app sends its whole database as one set when it first connects. If that is more, raise this."`
	MaxHeld          size  `group:"Limits:" default:"4GiB" placeholder:"SIZE" help:"Most that is held of the sets of all clients of a database (${default}). What is more is closed with 1013."`
	MaxReceiving     size  `group:"Limits:" default:"1GiB" placeholder:"SIZE" help:"Most bytes of large messages that have not arrived completely, from all clients (${default}). They are kept in the data folder. If there are more, the connection with the oldest is closed with 1013."`
	MaxDatabases     count `group:"Limits:" default:"10000" placeholder:"N" help:"Most databases (${default}). Connections to further ones are closed with 1013."`
	PageChanges      count `group:"Limits:" default:"50000" placeholder:"N" help:"Most changes in one message to a client (${default}); what is more goes out in several."`
	PageBytes        size  `group:"Limits:" default:"8MiB" placeholder:"SIZE" help:"Size after which a message to a client ends (${default}); what is more goes out in further ones."`

	PingInterval span `group:"Timing:" default:"30s" placeholder:"TIME" help:"Time between two pings of a connection (${default})."`
	PingTimeout  span `group:"Timing:" default:"15s" placeholder:"TIME" help:"Time to answer a ping; after it the connection is closed (${default})."`
	WriteTimeout span `group:"Timing:" default:"30s" placeholder:"TIME" help:"Time in which a client must take in some of what it is sent, however little; after it the connection is closed (${default})."`
	IdleTimeout  span `group:"Timing:" default:"1m" placeholder:"TIME" help:"Time from the end of a database's last connection until its file is closed (${default})."`
	HoldTimeout  span `group:"Timing:" default:"10s" placeholder:"TIME" help:"Time for a connected client to continue a set that it has sent in part; after it that part is committed (${default}). It does not run while a message is coming in."`
	HeldExpiry   span `group:"Timing:" default:"168h" placeholder:"TIME" help:"The same for a client that is away (${default})."`
	DrainTimeout span `group:"Timing:" default:"5s" placeholder:"TIME" help:"Time over which connections are closed, one after the other, when the server ends (${default}). The program ends at most 2 s later."`

	PrintConfig bool `name:"print-config" help:"Print every setting and where its value comes from, as a file for --config, and exit."`

	adminFlags `embed:""`
}

// Validate refuses flags that do not go together.
func (c serveCommand) Validate() error {
	switch {
	case c.TLSCert != "" && c.TLSKey == "":
		return errors.New("--tls-cert needs the key of the certificate: give --tls-key, too")
	case c.TLSKey != "" && c.TLSCert == "":
		return errors.New("--tls-key needs the certificate: give --tls-cert, too")
	}
	return c.adminFlags.Validate()
}

// Help is printed between the summary of the command and its flags.
func (serveCommand) Help() string {
	return `Every flag has an environment variable: --max-frame is SYNCABLED_MAX_FRAME. Each can stand in the file of --config, one a line, in TOML: max-frame = "64MiB". The flag wins over the environment, that over the file, and the file over the default. Sizes are bytes, or have a unit: 64MiB.

SIGHUP has the server read the file again, and take over log-level, allow-host, allow-origin, and the keys and other settings of tokens: all of them, or none if they do not go together. It says which changed settings take a restart, among them that tokens are required, or no longer.

SIGINT (Ctrl-C) and SIGTERM end the server: what was received is committed, and clients are told to come back. A second signal ends it at once; what it acknowledged is on disk.`
}

// Run serves until the program is asked to end.
func (c serveCommand) Run(w world, this *call) error {
	if c.PrintConfig {
		_, err := w.stdout.Write(appendSettings(nil, this.context.Selected().Flags, this.settings.sources(this.context)))
		return err
	}
	lvl := newLevel(c.LogLevel)
	logger := newLogger(w.stderr, lvl)
	site, err := c.open(logger, string(this.commands.Config))
	if err != nil {
		return err
	}
	defer site.close()
	hangups := catchHangups(w) // before anybody is told that the server is there
	defer hangups.stop()
	c.greet(w, logger, site.clients.Addr(), site.heads, site.databases)
	ctx, end := context.WithCancel(w.ctx)
	defer end()
	stop := context.AfterFunc(ctx, func() {
		logger.Info().Stringer("within", time.Duration(c.DrainTimeout)).Msg("ending; a second signal ends it at once")
	})
	defer stop()
	s := server.New(site.config)
	if endControl, err := serveControl(c.Data, s.Control()); err != nil {
		logger.Warn().Err(err).Msg("no backups while this server runs: it cannot listen on a socket in the data folder")
	} else {
		defer endControl()
	}
	endAdmin, err := site.serveOperators(s, this.commandLine(), logger)
	if err != nil {
		return err
	}
	defer endAdmin()
	r := &reloader{world: w, logger: logger, level: lvl, server: s, hangups: hangups, certificate: site.certificate, current: this, auth: site.auth}
	reloaded := make(chan struct{})
	go func() {
		defer close(reloaded)
		r.run(ctx, end)
	}()
	err = s.Serve(ctx, site.clients)
	stop()
	end()
	select {
	case <-reloaded:
	case <-time.After(reloadGrace): // it asks an identity provider for keys
	}
	if errors.As(err, new(*server.AbandonedError)) {
		site.leaveData()
	}
	if err != nil {
		logger.Error().Err(err).Msg("ended with an error")
		return err
	}
	logger.Info().Msg("ended")
	return nil
}

// reloadGrace is how long the program waits, at its end, for settings that are being
// reloaded.
const reloadGrace = 100 * time.Millisecond

func (c serveCommand) logOptions() boltlog.Options {
	return boltlog.Options{
		HeldBytesPerClient: int(c.MaxHeldPerClient),
		HeldBytes:          int(c.MaxHeld),
		Databases:          int(c.MaxDatabases),
		FreeBytes:          int(c.MinFree),
	}
}

func (c serveCommand) config(dir *boltlog.Dir, logger zerolog.Logger) server.Config {
	config := server.Config{
		Open:   func(name string) (revlog.Log, error) { return dir.Open(name) },
		Exists: dir.Exists,
		Ready:  dir.Check,
		Limits: protocol.Limits{
			FrameBytes:  int(c.MaxFrame),
			Changes:     int(c.MaxChanges),
			ObjectBytes: int(c.MaxObject),
			Depth:       int(c.MaxDepth),
			TableBytes:  int(c.MaxTable),
			KeyBytes:    int(c.MaxKey),
			PathSteps:   int(c.MaxSteps),
		},
		MaxConnections:           int(c.MaxConnections),
		MaxConnectionsPerAddress: int(c.MaxConnectionsPerAddress),
		MaxHandshakes:            int(c.MaxHandshakes),
		MessagesPerSecond:        int(c.MaxMessagesPerSecond),
		BytesPerSecond:           int(c.MaxBytesPerSecond),
		ReceiveDisk:              int64(c.MaxReceiving),
		ReceiveFolder:            c.Data,
		HeldExpiry:               time.Duration(c.HeldExpiry),
		PageChanges:              int(c.PageChanges),
		PageBytes:                int(c.PageBytes),
		PingInterval:             time.Duration(c.PingInterval),
		PingTimeout:              time.Duration(c.PingTimeout),
		WriteTimeout:             time.Duration(c.WriteTimeout),
		IdleTimeout:              time.Duration(c.IdleTimeout),
		HoldTimeout:              time.Duration(c.HoldTimeout),
		DrainTime:                time.Duration(c.DrainTimeout),
		Logger:                   logger,
	}
	for _, proxy := range c.TrustProxy {
		config.TrustProxy = append(config.TrustProxy, netip.Prefix(proxy))
	}
	config.AllowHost, config.AllowOrigin = texts(c.AllowHost), texts(c.AllowOrigin)
	if c.Static != "" {
		config.Static = newStaticFiles(string(c.Static), logger)
	}
	return config
}

func texts[P ~string](patterns []P) []string {
	var all []string
	for _, pattern := range patterns {
		all = append(all, string(pattern))
	}
	return all
}

// explainData adds to an error of the data folder what mends it.
func explainData(err error) error {
	switch {
	case errors.Is(err, boltlog.ErrLocked):
		return fmt.Errorf("%w; if that is another syncabled, stop it, or choose another folder with --data", err)
	case errors.Is(err, boltlog.ErrFormat):
		return fmt.Errorf("%w; the file was left as it is: move it away, or choose another folder with --data", err)
	case errors.Is(err, boltlog.ErrBroken):
		return fmt.Errorf("%w; the file was left as it is: 'syncabled verify' says whether others are, too; move it away, and restore a copy with 'syncabled restore'", err)
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

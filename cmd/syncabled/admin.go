package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/net/netutil"

	"syncabled/revlog/boltlog"
	"syncabled/server"
	"syncabled/server/admin"
)

// adminFlags say where the server shows operators what it is doing.
type adminFlags struct {
	Admin       address `group:"Operating:" placeholder:"ADDR" help:"Address that shows operators what the server is doing, such as 127.0.0.1:8081: /status, /metrics for Prometheus, /readyz, /healthz, /debug/pprof (off). It has to be one of this machine only, unless --admin-public is given."`
	AdminPublic bool    `group:"Operating:" help:"Let --admin be an address that other machines reach. Whoever can ask there sees who is connected."`
	MinFree     size    `group:"Operating:" default:"64MiB" placeholder:"SIZE" help:"Least that should be free on the disk of the data folder (${default}). If it is less, /readyz says that the server is not ready."`
}

// Validate refuses an address that would show everybody who is connected.
func (f adminFlags) Validate() error {
	if f.Admin == "" || f.AdminPublic {
		return nil
	}
	addr, err := net.ResolveTCPAddr("tcp", string(f.Admin))
	if err != nil {
		return fmt.Errorf("--admin: %w; choose an address of this machine, such as 127.0.0.1:8081", err)
	}
	if !addr.IP.IsLoopback() {
		return fmt.Errorf("--admin %s can be reached from other machines, and shows who is connected: choose an address such as 127.0.0.1:%d, or add --admin-public if that is meant", f.Admin, addr.Port)
	}
	return nil
}

// An operating is what operators get to see. It is made before the server, whose
// logs it observes.
type operating struct {
	flags    adminFlags
	started  time.Time
	registry *prometheus.Registry
	metrics  *admin.Metrics
	build    admin.Build
	expires  func() time.Time // of the certificate; nil without TLS
}

func newOperating(flags adminFlags) (*operating, error) {
	o := &operating{
		flags:    flags,
		started:  time.Now(),
		registry: prometheus.NewRegistry(),
		build:    admin.Build{Version: version, Commit: commit()},
	}
	var err error
	o.metrics, err = admin.Register(o.registry, o.build)
	return o, err
}

// listen listens where operators ask; it returns nil if they do not.
func (o *operating) listen() (net.Listener, error) {
	if o.flags.Admin == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", string(o.flags.Admin))
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%w; stop the program that listens there, or choose another address with --admin", err)
	case err != nil:
		return nil, fmt.Errorf("%w; choose an address of this machine with --admin", err)
	}
	return l, nil
}

// Bounds of the address for operators.
const (
	maxOperators = 100 // connections at once; further ones wait
	answerTime   = 2 * time.Minute
)

// serve serves a listener until the function it returns is called.
func (o *operating) serve(l net.Listener, s *server.Server, dir *boltlog.Dir, commandLine []string) (end func(), err error) {
	handler, err := admin.New(admin.Config{
		Server:      s,
		Dir:         dir,
		Registry:    o.registry,
		Build:       o.build,
		Started:     o.started,
		CommandLine: commandLine,
		AnyHost:     o.flags.AdminPublic,

		CertificateExpires: o.expires,
	})
	if err != nil {
		return nil, err
	}
	return serveBeside(netutil.LimitListener(l, maxOperators), &http.Server{Handler: handler, WriteTimeout: answerTime}), nil
}

// How long a client of the admin address or of the control socket may take over the
// headers of a request, and until the next one.
const (
	headerTime    = 10 * time.Second
	keepAliveTime = 2 * time.Minute
)

// serveBeside serves a listener until the function it returns is called.
func serveBeside(l net.Listener, web *http.Server) (end func()) {
	web.ReadHeaderTimeout, web.IdleTimeout = headerTime, keepAliveTime
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = web.Serve(l) // ends with an error always
	}()
	return func() {
		_ = web.Close()
		<-ended
	}
}

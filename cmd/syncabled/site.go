package main

import (
	"net"

	"github.com/rs/zerolog"

	"syncabled/revlog/boltlog"
	"syncabled/server"
)

// A site is what a server needs that can be missing, in use or broken: it is opened
// before anything is served.
type site struct {
	dir         *boltlog.Dir
	heads       []head          // of the first databases
	databases   int             // how many there are
	auth        *authentication // nil without
	certificate *certificate
	operating   *operating
	clients     net.Listener
	operators   net.Listener // nil without --admin
	config      server.Config
}

// open opens what the flags, and those of the file config, name. The error says what
// mends it.
func (c serveCommand) open(logger zerolog.Logger, config string) (opened *site, err error) {
	s := &site{}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.auth, err = c.checkAccess(logger, config, nil); err != nil {
		return nil, err
	}
	if s.auth != nil {
		s.auth.fetch()
	}
	if err := s.openData(c); err != nil {
		return nil, err
	}
	if s.certificate, err = openCertificate(string(c.TLSCert), string(c.TLSKey)); err != nil {
		return nil, explainCertificate(err)
	}
	if err := s.listen(c); err != nil {
		return nil, err
	}
	s.config = c.config(s.dir, logger)
	if s.auth != nil {
		s.config.Authorizer = s.auth.authorizer
	}
	if s.certificate != nil {
		s.config.Certificate = s.certificate.get
		s.operating.expires = s.certificate.expires
	}
	return s, nil
}

func (s *site) openData(c serveCommand) (err error) {
	if s.operating, err = newOperating(c.adminFlags); err != nil {
		return err
	}
	options := c.logOptions()
	options.Observe = s.operating.metrics.ObserveCommit
	if s.dir, err = boltlog.OpenDir(c.Data, options); err != nil {
		return explainData(err)
	}
	if s.heads, s.databases, err = c.heads(s.dir); err != nil {
		return explainData(err)
	}
	return nil
}

func (s *site) listen(c serveCommand) (err error) {
	if s.clients, err = net.Listen("tcp", string(c.Listen)); err != nil {
		return explainListen(err)
	}
	if err := c.checkOpen(s.clients.Addr()); err != nil {
		return err
	}
	s.operators, err = s.operating.listen()
	return err
}

// serveOperators serves operators until the function it returns is called.
func (s *site) serveOperators(server *server.Server, commandLine []string, logger zerolog.Logger) (end func(), err error) {
	if s.operators == nil {
		return func() {}, nil
	}
	end, err = s.operating.serve(s.operators, server, s.dir, commandLine)
	if err == nil {
		logger.Info().Str("url", "http://"+reachable(s.operators.Addr())+"/").Msg("listening for operators")
	}
	return end, err
}

// leaveData keeps the lock of the data folder until the process ends: what was not closed
// may still write to it.
func (s *site) leaveData() { s.dir = nil }

// close closes what is open and was not closed by serving.
func (s *site) close() {
	for _, l := range []net.Listener{s.clients, s.operators} {
		if l != nil {
			_ = l.Close() // it may be closed
		}
	}
	if s.dir != nil {
		_ = s.dir.Close()
	}
}

package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"syncabled/server"
	"syncabled/server/jwtauth"
)

// A level is the least that is logged. It can be changed while the program runs;
// it is the sampler of a logger that would log everything.
type level struct{ least atomic.Int32 }

func newLevel(name string) *level {
	l := new(level)
	l.set(name)
	return l
}

// Sample implements [zerolog.Sampler].
func (l *level) Sample(at zerolog.Level) bool { return int32(at) >= l.least.Load() }

// set changes the level to one of the flag --log-level.
func (l *level) set(name string) {
	parsed, err := zerolog.ParseLevel(name)
	if err != nil {
		parsed = zerolog.InfoLevel
	}
	l.least.Store(int32(parsed))
}

// A reloader takes over, at SIGHUP, what a running server can take over of changed
// settings. Windows has no such signal.
type reloader struct {
	world       world
	logger      zerolog.Logger
	level       *level
	server      *server.Server
	hangups     *hangups
	certificate *certificate // nil without TLS

	// Owned by run.
	current *call           // with the settings that are in force
	auth    *authentication // that is in force, nil if there is none
}

// reloadable are the flags that a running server takes over, and how. Those of
// authentication are taken over together.
var reloadable = map[string]func(*reloader, serveCommand){
	"log-level":    func(r *reloader, c serveCommand) { r.level.set(c.LogLevel) },
	"allow-host":   func(r *reloader, c serveCommand) { r.server.AllowHosts(texts(c.AllowHost)) },
	"allow-origin": func(r *reloader, c serveCommand) { r.server.AllowOrigins(texts(c.AllowOrigin)) },
}

// hangups are the SIGHUPs that the program gets, which would end it otherwise.
type hangups struct {
	caught      chan os.Signal
	hadTerminal bool
}

// catchHangups catches them from now on, until stop is called.
func catchHangups(w world) *hangups {
	h := &hangups{make(chan os.Signal, 1), isTerminal(w.stderr)}
	signal.Notify(h.caught, syscall.SIGHUP)
	return h
}

func (h *hangups) stop() { signal.Stop(h.caught) }

// run reloads at every SIGHUP, and the certificate when its files change, until
// ctx is done. If the terminal of the program is gone, which SIGHUP stands for as
// well, it calls end.
func (r *reloader) run(ctx context.Context, end func()) {
	ticker := time.NewTicker(certificateInterval)
	defer ticker.Stop()
	for {
		select {
		case <-r.hangups.caught:
			if r.hangups.hadTerminal && !isTerminal(r.world.stderr) {
				end()
				return
			}
			r.reload()
		case <-ticker.C:
			if r.certificate != nil {
				r.certificate.reload(r.logger)
			}
		case <-ctx.Done():
			return
		}
	}
}

// reload reads the settings again. If they are wrong, or those that can be taken over
// do not go with those that cannot, all stays as it is.
func (r *reloader) reload() {
	if r.certificate != nil {
		r.certificate.reload(r.logger)
	}
	taken, waiting, err := r.takeOver()
	if err != nil {
		r.logger.Error().Err(err).Msg("the settings stay as they were")
		return
	}
	r.logger.Info().Strs("changed", taken).Msg("settings reloaded")
	if len(waiting) > 0 {
		r.logger.Warn().Strs("changed", waiting).Msg("these settings take a restart")
	}
}

// takeOver puts those of the settings in force that a running server can take over. It
// returns their names, and those of the other settings that are not what is in force.
func (r *reloader) takeOver() (taken, waiting []string, err error) {
	next, err := r.world.parse()
	if err != nil {
		return nil, nil, err
	}
	config := string(next.commands.Config)
	auth, err := next.commands.Serve.checkAccess(r.logger, config, r.auth)
	if err != nil {
		return nil, nil, err
	}
	if r.auth == nil || auth == nil { // that tokens are required, or no longer, takes a restart
		auth = r.auth
	}
	taken, waiting = r.mix(next)
	serve := next.commands.Serve
	if err := serve.checkExposure(config); err != nil {
		return nil, nil, fmt.Errorf("some settings take a restart (%s), and with what they are until then: %w", strings.Join(waiting, ", "), err)
	}
	if !r.hasKeys(auth) {
		return nil, nil, fmt.Errorf("no keys could be fetched from %s, so every client would be refused", jwtauth.RedactURL(serve.JWKSURL))
	}
	if auth != nil && !reflect.DeepEqual(auth.config.Keys, r.auth.config.Keys) && !slices.Contains(taken, keyFileFlag) {
		taken = append(taken, keyFileFlag) // the file is another one
		slices.Sort(taken)
	}
	r.put(serve, taken, auth)
	r.current, r.auth = next, auth
	return taken, waiting, nil
}

// hasKeys fetches the keys of an authentication. It reports whether there are any, or
// were none before.
func (r *reloader) hasKeys(auth *authentication) bool {
	return auth == nil || auth.fetch() || auth.config.JWKS == r.auth.config.JWKS
}

// mix makes the settings that were read those that are to be in force: what a running
// server cannot take over stays as it is.
func (r *reloader) mix(next *call) (taken, waiting []string) {
	taken, waiting = []string{}, []string{}
	isAuthenticated := r.auth != nil && next.commands.Serve.isSet()
	inForce, read := serveFlags(r.current.context.Model), serveFlags(next.context.Model)
	for _, name := range changed(r.current, next) {
		if reloadable[name] != nil || isAuthenticated && isAuthFlag(name) {
			taken = append(taken, name)
			continue
		}
		waiting = append(waiting, name)
		read[name].Target.Set(inForce[name].Target)
	}
	return taken, waiting
}

// put puts settings in force that go together. In between, old origins are in force with
// the new authentication, or the other way round. The order sees to it that the one
// which lets every page connect is not in force together with the one which has a cookie.
func (r *reloader) put(serve serveCommand, taken []string, auth *authentication) {
	if auth != nil && serve.JWTCookie == "" {
		r.server.AuthorizeBy(auth.authorizer)
	}
	for _, name := range taken {
		if take := reloadable[name]; take != nil {
			take(r, serve)
		}
	}
	if auth != nil && serve.JWTCookie != "" {
		r.server.AuthorizeBy(auth.authorizer)
	}
}

// changed returns the flags that have other values in b than in a.
func changed(a, b *call) []string {
	was, is := serveFlags(a.context.Model), serveFlags(b.context.Model)
	var names []string
	for name, flag := range was {
		if settingOf(flag.Target) != settingOf(is[name].Target) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

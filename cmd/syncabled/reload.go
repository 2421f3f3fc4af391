package main

import (
	"context"
	"os"
	"os/signal"
	"reflect"
	"slices"
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
	certificate *certificate // nil without TLS

	current *call // owned by run
}

// reloadable are the flags that a running server takes over, and how.
var reloadable = map[string]func(*reloader, serveCommand){
	"log-level":    func(r *reloader, c serveCommand) { r.level.set(c.LogLevel) },
	"allow-origin": func(r *reloader, c serveCommand) { r.server.AllowOrigins(c.origins()) },
}

// run reloads at every SIGHUP, and the certificate when its files change, until
// ctx is done. If the terminal of the program is gone, which SIGHUP stands for as
// well, it calls end.
func (r *reloader) run(ctx context.Context, end func()) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	hadTerminal := isTerminal(r.world.stderr)
	ticker := time.NewTicker(certificateInterval)
	defer ticker.Stop()
	for {
		select {
		case <-hangups:
			if hadTerminal && !isTerminal(r.world.stderr) {
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

// reload reads the settings again. If they are wrong, all stays as it is.
func (r *reloader) reload() {
	if r.certificate != nil {
		r.certificate.reload(r.logger)
	}
	next, err := r.world.parse()
	var authorizer *jwtauth.Authorizer
	if err == nil {
		authorizer, err = r.authorizer(next.commands.Serve)
	}
	if err != nil {
		r.logger.Error().Err(err).Msg("the settings stay as they were")
		return
	}
	if authorizer != nil {
		r.server.AuthorizeBy(authorizer)
	}
	taken, waiting := []string{}, []string{}
	for _, name := range changed(r.current, next) {
		take, ok := reloadable[name]
		switch {
		case ok:
			take(r, next.commands.Serve)
			taken = append(taken, name)
		case authorizer != nil && isAuthFlag(name):
			taken = append(taken, name)
		default:
			waiting = append(waiting, name)
		}
	}
	r.current = next
	r.logger.Info().Strs("changed", taken).Msg("settings reloaded")
	if len(waiting) > 0 {
		r.logger.Warn().Strs("changed", waiting).Msg("these settings take a restart")
	}
}

// authorizer returns one with the keys as they are now, nil if there was none before:
// that tokens are needed, or no longer, takes a restart.
func (r *reloader) authorizer(c serveCommand) (*jwtauth.Authorizer, error) {
	if err := c.checkOrigins(c.AllowOrigin); err != nil {
		return nil, err
	}
	authorizer, err := c.authorizer(r.logger)
	if err != nil || !r.current.commands.Serve.isSet() {
		return nil, err
	}
	return authorizer, nil
}

// changed returns the flags that have other values in b than in a.
func changed(a, b *call) []string {
	was, is := serveFlags(a.context.Model), serveFlags(b.context.Model)
	var names []string
	for name, flag := range was {
		if !reflect.DeepEqual(flag.Target.Interface(), is[name].Target.Interface()) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

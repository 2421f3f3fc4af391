package server_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing/synctest"
	"time"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/revlog/boltlog"
	"syncabled/server"
)

// A modelSite is a server that runs.
type modelSite struct {
	listener *modelListener
	stop     context.CancelFunc
	served   chan struct{}
	wires    []*wire
	log      *boltlog.DB // the last one it opened
}

func (w *world) startServer() {
	ctx, stop := context.WithCancel(context.Background())
	site := &modelSite{listener: newModelListener(), stop: stop, served: make(chan struct{})}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.site = site
	path := w.path
	w.starts++
	s := server.New(server.Config{
		Authorizer:  w.settings.grants.authorizer(w.starts),
		AllowHost:   []string{siteHost},
		PageChanges: w.settings.pageChanges,
		IdleTimeout: w.settings.idleTime,
		DrainTime:   time.Second,
		Now:         w.clock.now,
		Limits:      protocol.Limits{Depth: modelDepth},
		Open: func(string) (revlog.Log, error) {
			log, err := boltlog.Open(path, boltlog.Options{})
			if err != nil {
				return nil, err
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			site.log = log
			return log, nil
		},
	})
	go func() {
		defer close(site.served)
		if err := s.Serve(ctx, site.listener); err != nil {
			w.fail("the server ends with %v", err)
		}
		if n := s.Counts().IdentityConflicts; n > 0 && !w.copied.Load() {
			w.fail("%d clients with two connections are taken for two devices", n)
		}
	}()
}

// takeSite returns the server that runs, which no longer counts as running.
func (w *world) takeSite() *modelSite {
	w.mu.Lock()
	defer w.mu.Unlock()
	site := w.site
	w.site = nil
	return site
}

// restart ends the server in good order and starts it again.
func (w *world) restart(down time.Duration) {
	site := w.takeSite()
	if site == nil {
		return
	}
	site.stop()
	w.closing.Go(func() {
		<-site.served
		w.trace("the server has ended")
		time.Sleep(down)
		w.startServer()
		w.trace("the server has started")
	})
}

// kill ends the server at once. The next one finds the file as it is now.
func (w *world) kill(down time.Duration) {
	site := w.takeSite()
	if site == nil {
		return
	}
	synctest.Wait()
	w.copyFile(site)
	for _, wire := range site.wires {
		wire.cutByServer()
	}
	site.stop()
	w.closing.Go(func() { <-site.served })
	w.closing.Go(func() {
		time.Sleep(down)
		w.startServer()
		w.trace("the server has started")
	})
}

// copyFile makes a copy of the database's file the one that counts. A log that
// has been closed is not going to change any more.
func (w *world) copyFile(site *modelSite) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if site.log == nil {
		return
	}
	w.copies++
	path := filepath.Join(w.folder, fmt.Sprintf("%d.db", w.copies))
	file, err := os.Create(path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer file.Close()
	if _, err := site.log.WriteTo(file); err == nil {
		w.path = path
	}
}

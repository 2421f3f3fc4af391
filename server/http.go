package server

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"
	"github.com/rs/zerolog"

	"syncabled/protocol"
	"syncabled/revlog"
	"syncabled/server/socket"
)

const defaultDatabase = "default"

// ServeHTTP upgrades WebSocket handshakes to sessions, which go on by themselves,
// and serves the rest from the static handler. It is the handler of Serve.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	giveUpBody(w, r)
	isHealthCheck := r.URL.Path == healthPath || r.URL.Path == readyPath
	switch {
	case isHealthCheck && !isHandshake(r): // load balancers ask by any name
		s.health.ServeHTTP(w, r)
	case !s.isHostAllowed(r.Host):
		s.refuseHost(w, r)
	case isHandshake(r):
		s.serveSession(w, r)
	case s.config.Static != nil && !strings.HasPrefix(r.URL.Path, "/db/"):
		s.config.Static.ServeHTTP(w, r)
	default:
		s.explain(w, r)
	}
}

func isHandshake(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// explain tells somebody who looks with a browser what this is.
func (s *Server) explain(w http.ResponseWriter, r *http.Request) {
	name, err := databaseName(r.URL.Path)
	if err != nil {
		s.refusePath(w, r)
		return
	}
	if _, refusal := s.authorize(r, name); refusal != nil {
		refusal.write(w)
		return
	}
	scheme := "ws"
	if r.TLS != nil {
		scheme = "wss"
	}
	path := r.URL.Path
	if path == "/" { // two apps that both connect there break each other
		path = "/db/NAME"
	}
	w.Header().Set("Upgrade", "websocket")
	w.Header().Set("Connection", "Upgrade")
	http.Error(w, fmt.Sprintf("This is the sync endpoint of Syncabled; it speaks WebSocket only.\n"+
		"In an app, wait for db.open() and connect with db.syncable.connect(\"websocket\", \"%s://%s%s\").", scheme, r.Host, path),
		http.StatusUpgradeRequired)
}

var errNoDatabase = errors.New("no database at this path: connect to /db/NAME, of " + revlog.NameRule + "; / is the database called \"default\"")

// databaseName returns the database that a path stands for.
func databaseName(path string) (string, error) {
	if path == "/" {
		return defaultDatabase, nil
	}
	name, ok := strings.CutPrefix(path, "/db/")
	if !ok || !revlog.ValidName(name) {
		return "", errNoDatabase
	}
	return name, nil
}

// refusePath answers a request for what is no database. Who may open none learns
// nothing about paths either. A browser does not show its page why a handshake was
// refused, so the log says it.
func (s *Server) refusePath(w http.ResponseWriter, r *http.Request) {
	if _, refusal := s.authorize(r, ""); refusal != nil {
		refusal.write(w)
		return
	}
	s.logPath(r)
	http.Error(w, errNoDatabase.Error(), http.StatusNotFound)
}

// logPath logs a path that stands for no database, once for each address. Browsers
// ask for an icon by themselves.
func (s *Server) logPath(r *http.Request) {
	seen, level := s.wrongURLs, zerolog.WarnLevel
	if !isHandshake(r) {
		seen, level = s.lookups, zerolog.InfoLevel
	}
	path, remote := clip(r.URL.Path), remoteOf(r, s.config.TrustProxy)
	if path != "/favicon.ico" && seen.allow(path+" "+countedAddress(remote)) {
		s.config.Logger.WithLevel(level).Str("path", path).Str("remote", remote).Msg(errNoDatabase.Error())
	}
}

// subprotocol is what a client is told that names subprotocols, which is how a page
// can bring a token. One that names none gets none.
const subprotocol = "syncabled"

func (s *Server) serveSession(w http.ResponseWriter, r *http.Request) {
	name, grant, tables, ok := s.checkHandshake(w, r)
	if !ok {
		return
	}
	link, ok := connectionOf(r)
	if !ok {
		http.Error(w, "sessions need a connection that Serve accepted", http.StatusInternalServerError)
		return
	}
	session := s.newSession(r, link, grant, tables)
	below := link.Conn
	if r.TLS != nil { // what goes there is for TLS to say
		below = nil
	}
	var err error
	session.conn, err = socket.Accept(w, r, below, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // the origin has been checked
		Subprotocols:       []string{subprotocol},
		OnPingReceived:     session.answerPing,
		OnPongReceived:     session.noteAnswer,
	})
	if err != nil {
		s.counts.refuse(refusedHandshake)
		s.config.Logger.Debug().Err(err).Str("remote", session.remote).Msg("handshake refused")
		return
	}
	session.conn.LimitMessages(int64(s.config.Limits.FrameBytes))
	if refusal := s.admit(session); refusal != nil {
		session.close(*refusal)
		return
	}
	go s.runSession(session, name) // Serve waits for it
}

// checkHandshake returns the database that a handshake is for, what the client may do
// there, and the tables that it says it has. If ok is false the handshake is refused,
// and has been answered.
func (s *Server) checkHandshake(w http.ResponseWriter, r *http.Request) (name string, grant Grant, tables []string, ok bool) {
	if r.ContentLength != 0 {
		s.counts.refuse(refusedHandshake)
		http.Error(w, "a WebSocket handshake has no body", http.StatusBadRequest)
		return
	}
	name, err := databaseName(r.URL.Path)
	if err != nil {
		s.counts.refuse(refusedPath)
		s.refusePath(w, r)
		return
	}
	if !s.isOriginAllowed(r) {
		s.counts.refuse(refusedOrigin)
		s.refuseOrigin(w, r)
		return
	}
	grant, refusal := s.authorize(r, name)
	if refusal != nil {
		s.counts.refuse(refusedAccess)
		refusal.write(w)
		return
	}
	if tables, err = tablesOf(r.URL.Query()); err != nil {
		s.refuseTables(w, r, err)
		return
	}
	return name, grant, tables, true
}

// newSession returns a session that has no conn yet.
func (s *Server) newSession(r *http.Request, link *connection, grant Grant, tables []string) *session {
	remote := remoteOf(r, s.config.TrustProxy)
	session := &session{
		server:   s,
		id:       uuid.NewString(),
		link:     link,
		remote:   remote,
		address:  countedAddress(remote),
		messages: s.config.newMessageLimiter(),
		named:    tables,
		busy:     newTurn(),
		started:  time.Now(),
		opened:   make(chan struct{}),
		ended:    make(chan struct{}),
	}
	session.limitTo(grant)
	return session
}

// tablesOf returns the tables that a URL says the client has, nil if it does not say.
func tablesOf(query url.Values) ([]string, error) {
	if !query.Has("tables") {
		return nil, nil
	}
	tables := []string{}
	for _, list := range query["tables"] {
		for table := range strings.SplitSeq(list, ",") {
			tables = append(tables, strings.Clone(table)) // not to keep the URL
		}
	}
	if tables = revlog.SortTables(tables); len(tables) > protocol.MaxTables {
		return nil, fmt.Errorf("?tables= names %d tables, over the limit of %d: leave it out, and the client is sent all tables", len(tables), protocol.MaxTables)
	}
	return tables, nil
}

// refuseTables answers a handshake that names too many tables.
func (s *Server) refuseTables(w http.ResponseWriter, r *http.Request, err error) {
	s.counts.refuse(refusedHandshake)
	remote := remoteOf(r, s.config.TrustProxy)
	if s.wrongURLs.allow("tables " + countedAddress(remote)) {
		s.config.Logger.Warn().Str("path", clip(r.URL.Path)).Str("remote", remote).Msg(err.Error())
	}
	http.Error(w, err.Error(), http.StatusBadRequest)
}

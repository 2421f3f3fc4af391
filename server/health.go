package server

import (
	"errors"
	"io"
	"net/http"
)

// Paths of the health checks. They are no databases; of the static files, those
// of the same names are not served.
const (
	healthPath = "/healthz"
	readyPath  = "/readyz"
)

// errDraining is why a server that is ending is not ready.
var errDraining = errors.New("the server is ending")

// Ready says why the server should be given no more clients, or nil.
func (s *Server) Ready() error {
	s.mu.Lock()
	draining := s.draining
	s.mu.Unlock()
	switch {
	case draining:
		return errDraining
	case s.config.Ready != nil:
		return s.config.Ready()
	}
	return nil
}

// Health returns the handler of the health checks, which says "ok", or why not:
//
//	GET /healthz   200 as long as the process answers
//	GET /readyz    200, with further lines if an operator should look at something, or
//	               503 with the reason while the server is not ready
func (s *Server) Health() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+healthPath, func(w http.ResponseWriter, _ *http.Request) { answerHealth(w, nil, "") })
	mux.HandleFunc("GET "+readyPath, func(w http.ResponseWriter, _ *http.Request) { answerHealth(w, s.Ready(), s.ahead.detail()) })
	return mux
}

func answerHealth(w http.ResponseWriter, trouble error, detail string) {
	w.Header().Set("Cache-Control", "no-store")
	if trouble != nil {
		http.Error(w, trouble.Error(), http.StatusServiceUnavailable)
		return
	}
	_, _ = io.WriteString(w, "ok\n"+detail) // who asked may be gone
}

package server

import (
	"net/http"
	"time"
)

// giveUpBody has a request answered without its body, which nothing here reads. The web
// server would read it before the answer goes out, and wait for it as long as the
// client likes. The connection closes after the answer: what follows is the body.
func giveUpBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength == 0 {
		return
	}
	w.Header().Set("Connection", "close")
	_ = http.NewResponseController(w).SetReadDeadline(time.Now()) // fails for writers without a connection
}

// WithoutBodies returns a handler for requests that need no body. It answers those that
// have one without waiting for it.
func WithoutBodies(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		giveUpBody(w, r)
		next.ServeHTTP(w, r)
	})
}

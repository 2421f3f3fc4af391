package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// An Authorizer decides who may open a database.
type Authorizer interface {
	// Authorize looks at a handshake before it is upgraded. The error is a
	// *Refusal, which the client gets to see, or trouble of the server's own.
	Authorize(r *http.Request, database string) (Grant, error)
}

// A Grant is what a connection may do.
type Grant struct {
	Subject  string    // whom it belongs to; "" is anybody
	ReadOnly bool      // its changes are not accepted
	Expires  time.Time // when it is to be closed; zero is never
}

// A Refusal says why a handshake is refused.
type Refusal struct {
	Status int    // 401 or 403
	Code   string // for programs: token_expired
	Reason string // a sentence that names the fix
}

func (r *Refusal) Error() string { return r.Reason }

// missingToken is the code of a handshake that brings nothing to judge it by.
const missingToken = "missing_token"

// write answers a handshake. The challenge is that of RFC 6750, section 3.
func (r *Refusal) write(w http.ResponseWriter) {
	challenge := `Bearer realm="syncabled"`
	switch {
	case r.Status == http.StatusForbidden:
		challenge += `, error="insufficient_scope"`
	case r.Code != missingToken:
		challenge += `, error="invalid_token"`
	}
	if r.Status < http.StatusInternalServerError {
		w.Header().Set("WWW-Authenticate", challenge)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(r.Status)
	type failure struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	_ = json.NewEncoder(w).Encode(map[string]failure{"error": {r.Code, r.Reason}}) // who left needs no answer
}

// authorize asks what a connection to a database may do.
func (s *Server) authorize(r *http.Request, database string) (Grant, *Refusal) {
	if s.config.Authorizer == nil {
		return Grant{}, nil
	}
	grant, err := (*s.authorizer.Load()).Authorize(r, database)
	var refusal *Refusal
	switch {
	case err == nil:
		return grant, nil
	case errors.As(err, &refusal):
		s.counts.authFailures.add(refusal.Code)
		remote := remoteOf(r, s.config.TrustProxy)
		if s.refusals.allow(refusal.Code + " " + countedAddress(remote)) {
			s.config.Logger.Warn().Str("database", database).Str("remote", remote).Str("code", refusal.Code).
				Msg("refused a client: " + refusal.Reason)
		}
		return Grant{}, refusal
	}
	if s.refusals.allow(err.Error()) {
		s.config.Logger.Error().Err(err).Str("database", database).Msg("authorize a connection")
	}
	return Grant{}, &Refusal{Status: http.StatusInternalServerError, Code: "internal_error", Reason: "internal error"}
}

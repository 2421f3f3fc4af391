package server

import (
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

// authorize asks what a connection to a database may do.
func (s *Server) authorize(r *http.Request, database string) (Grant, *Refusal) {
	if s.config.Authorizer == nil {
		return Grant{}, nil
	}
	grant, err := s.config.Authorizer.Authorize(r, database)
	var refusal *Refusal
	switch {
	case err == nil:
		return grant, nil
	case errors.As(err, &refusal):
		return Grant{}, refusal
	}
	if s.refusals.allow(err.Error()) {
		s.config.Logger.Error().Err(err).Str("database", database).Msg("authorize a connection")
	}
	return Grant{}, &Refusal{Status: http.StatusInternalServerError, Code: "internal_error", Reason: "internal error"}
}

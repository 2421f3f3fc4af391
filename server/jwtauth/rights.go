package jwtauth

import (
	"fmt"
	"slices"
	"time"
)

// Rights are what a token allows.
type Rights struct {
	Subject   string
	Databases []string // patterns, as the token or the configuration has them, with the claims put in
	ReadOnly  bool
	Expires   time.Time // the claim exp

	// Impossible are those of Databases that open nothing, because no database can
	// have such a name: "user-auth0|123".
	Impossible []string

	patterns []pattern
}

// Open returns a refusal if the token does not open a database.
func (r Rights) Open(database string) error {
	if slices.ContainsFunc(r.patterns, func(p pattern) bool { return p.matches(database) }) {
		return nil
	}
	refusal := refuse(databaseNotAllowed, database)
	if len(r.Impossible) > 0 {
		refusal.Reason += fmt.Sprintf("; it allows %q, and %s", r.Impossible, impossible)
	}
	return refusal
}

// rights returns what the claims of a token allow whose signature and times are right.
func (a *Authorizer) rights(claims claims) (Rights, error) {
	var r Rights
	var err error
	if r.Subject, err = claims.text("sub"); err != nil {
		return Rights{}, err
	}
	if r.Expires, err = a.config.lifetime(claims); err != nil {
		return Rights{}, err
	}
	switch access := claims["access"]; access {
	case nil, "write":
	case "read":
		r.ReadOnly = true
	default:
		return Rights{}, refuse(badClaim, "access", `"read" or "write"`)
	}
	if r.patterns, err = a.patterns(claims); err != nil {
		return Rights{}, err
	}
	for _, p := range r.patterns {
		r.Databases = append(r.Databases, p.String())
		if !p.isPossible() {
			r.Impossible = append(r.Impossible, p.String())
		}
	}
	return r, nil
}

// patterns returns those of the templates, or without any those of the claim db.
func (a *Authorizer) patterns(claims claims) ([]pattern, error) {
	var patterns []pattern
	for _, t := range a.templates {
		p, err := t.fill(claims)
		if err != nil {
			return nil, err
		}
		patterns = append(patterns, p)
	}
	if len(a.templates) > 0 {
		return patterns, nil
	}
	if claims["db"] == nil {
		return nil, refuse(missingClaim, "db")
	}
	list, ok := claims.list("db")
	if !ok {
		return nil, refuse(badClaim, "db", "the name of a database, a pattern, or a list of them")
	}
	for _, each := range list {
		patterns = append(patterns, newPattern(each))
	}
	return patterns, nil
}

// lifetime returns when a token expires, unless it is valid for too long.
func (c *Config) lifetime(claims claims) (time.Time, error) {
	expires, err := claims.GetExpirationTime()
	if err != nil || expires == nil {
		return time.Time{}, refuse(badClaim, "exp", "a number of seconds")
	}
	if c.MaxLifetime == 0 {
		return expires.Time, nil
	}
	issued, err := claims.GetIssuedAt()
	switch {
	case err != nil || issued == nil:
		return time.Time{}, refuse(missingClaim, "iat")
	case expires.Sub(issued.Time) > c.MaxLifetime:
		return time.Time{}, refuse(lifetimeTooLong, c.MaxLifetime)
	}
	return expires.Time, nil
}

package jwtauth

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"syncabled/server"
)

// Rights are what a token allows.
type Rights struct {
	Subject   string
	Databases []string // patterns, as the token or the configuration has them, with the claims put in
	ReadOnly  bool
	Expires   time.Time // the claim exp

	patterns []pattern
}

// Open returns a refusal if the token does not open a database.
func (r Rights) Open(database string) error {
	if !slices.ContainsFunc(r.patterns, func(p pattern) bool { return p.matches(database) }) {
		return refuse(databaseNotAllowed, database)
	}
	return nil
}

// A pattern is what is before, between and behind its stars.
type pattern []string

func (p pattern) matches(name string) bool {
	rest, ok := strings.CutPrefix(name, p[0])
	if len(p) == 1 {
		return ok && rest == ""
	}
	for _, part := range p[1 : len(p)-1] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return ok && strings.HasSuffix(rest, p[len(p)-1])
}

// rights returns what the claims of a token allow whose signature and times are right.
func (c *Config) rights(claims jwt.MapClaims) (Rights, error) {
	var r Rights
	var err error
	if r.Subject, err = text(claims, "sub"); err != nil {
		return Rights{}, err
	}
	if r.Expires, err = c.lifetime(claims); err != nil {
		return Rights{}, err
	}
	switch access := claims["access"]; access {
	case nil, "write":
	case "read":
		r.ReadOnly = true
	default:
		return Rights{}, refuse(badClaim, "access", `"read" or "write"`)
	}
	templates := c.Databases
	if len(templates) == 0 {
		if templates, err = databasesOf(claims); err != nil {
			return Rights{}, err
		}
	}
	for _, template := range templates {
		p, err := fill(template, claims, len(c.Databases) > 0)
		if err != nil {
			return Rights{}, err
		}
		r.patterns = append(r.patterns, p)
		r.Databases = append(r.Databases, strings.Join(p, "*"))
	}
	return r, nil
}

// lifetime returns when a token expires, unless it is valid for too long.
func (c *Config) lifetime(claims jwt.MapClaims) (time.Time, error) {
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

// text returns a claim that is required, and is a string or a number.
func text(claims jwt.MapClaims, name string) (string, error) {
	switch value := claims[name].(type) {
	case nil:
		return "", refuse(missingClaim, name)
	case string:
		if value != "" {
			return value, nil
		}
	case float64:
		if value == float64(int64(value)) {
			return fmt.Sprint(int64(value)), nil
		}
	}
	return "", refuse(badClaim, name, "a string that is not empty")
}

func databasesOf(claims jwt.MapClaims) ([]string, error) {
	wrong := refuse(badClaim, "db", "the name of a database, a pattern, or a list of them")
	switch value := claims["db"].(type) {
	case nil:
		return nil, refuse(missingClaim, "db")
	case string:
		return []string{value}, nil
	case []any:
		var list []string
		for _, each := range value {
			name, ok := each.(string)
			if !ok {
				return nil, wrong
			}
			list = append(list, name)
		}
		return list, nil
	}
	return nil, wrong
}

// fill splits a template at its stars and puts claims into what is between them.
func fill(template string, claims jwt.MapClaims, hasClaims bool) (pattern, error) {
	parts := strings.Split(template, "*")
	if !hasClaims {
		return parts, nil
	}
	for i, part := range parts {
		var filled strings.Builder
		for {
			before, rest, found := strings.Cut(part, "{")
			filled.WriteString(before)
			if !found {
				break
			}
			name, behind, _ := strings.Cut(rest, "}")
			value, err := text(claims, name)
			if err != nil {
				return nil, err
			}
			filled.WriteString(value)
			part = behind
		}
		parts[i] = filled.String()
	}
	return parts, nil
}

// checkTemplate says what is wrong with a template.
func checkTemplate(template string) error {
	depth := 0
	for _, r := range template {
		switch {
		case r == '{':
			depth++
		case r == '}':
			depth--
		case r == '*' && depth > 0:
			return errors.New("a * inside of { and }")
		}
		if depth < 0 || depth > 1 {
			break
		}
	}
	if depth != 0 {
		return errors.New("a { without its }, or the other way round")
	}
	if template == "" || strings.Contains(template, "{}") {
		return errors.New("a claim without a name")
	}
	return nil
}

var _ server.Authorizer = (*Authorizer)(nil)

package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"syncabled/server"
)

// headerGrants grants what the header Grant says: a subject, and then, if it is so,
// "read", and for how long. Without the header it refuses. The header can be a cookie.
type headerGrants struct{}

func (headerGrants) Authorize(r *http.Request, database string) (server.Grant, error) {
	words := strings.Fields(r.Header.Get("Grant"))
	for _, cookie := range r.CookiesNamed("grant") {
		words = append(words, cookie.Value)
	}
	if len(words) == 0 {
		return server.Grant{}, &server.Refusal{Status: http.StatusUnauthorized, Code: "no_grant",
			Reason: fmt.Sprintf("nothing is granted for the database %s", database)}
	}
	grant := server.Grant{Subject: words[0]}
	for _, word := range words[1:] {
		if word == "read" {
			grant.ReadOnly = true
			continue
		}
		valid, err := time.ParseDuration(word)
		if err != nil {
			return server.Grant{}, err
		}
		grant.Expires = time.Now().Add(valid)
	}
	return grant, nil
}

func (headerGrants) UsesCookie(r *http.Request) bool { return len(r.CookiesNamed("grant")) > 0 }

// farGrants grants everything until a date that is far away.
type farGrants struct{}

func (farGrants) Authorize(*http.Request, string) (server.Grant, error) {
	return server.Grant{Subject: "alice", Expires: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)}, nil
}

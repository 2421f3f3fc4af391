package jwtauth

import (
	"net/http"
	"strings"
)

// subprotocolPrefix is before a token in the list of subprotocols. A browser lets a
// page say nothing else about a WebSocket but its URL.
const subprotocolPrefix = "bearer."

// tokenOf returns the token that a request brings. The error is a refusal.
func tokenOf(r *http.Request, cookie string) (string, error) {
	var token string
	for _, found := range tokensOf(r, cookie) {
		if token != "" && token != found {
			return "", refuse(ambiguousToken)
		}
		token = found
	}
	if token == "" {
		return "", refuse(missingToken)
	}
	return token, nil
}

// UsesCookie implements [server.CookieAuthorizer].
func (a *Authorizer) UsesCookie(r *http.Request) bool {
	return a.config.Cookie != "" && len(r.CookiesNamed(a.config.Cookie)) > 0
}

// tokensOf returns what may be tokens, none of them empty.
func tokensOf(r *http.Request, cookie string) []string {
	var found []string
	add := func(token string) {
		if token = strings.TrimSpace(token); token != "" {
			found = append(found, token)
		}
	}
	for _, value := range r.Header.Values("Authorization") {
		if scheme, token, _ := strings.Cut(value, " "); strings.EqualFold(scheme, "Bearer") {
			add(token)
		}
	}
	if cookie != "" {
		for _, c := range r.CookiesNamed(cookie) {
			add(c.Value)
		}
	}
	for _, list := range r.Header.Values("Sec-WebSocket-Protocol") {
		for protocol := range strings.SplitSeq(list, ",") {
			if token, ok := strings.CutPrefix(strings.TrimSpace(protocol), subprotocolPrefix); ok {
				add(token)
			}
		}
	}
	for _, token := range r.URL.Query()["token"] {
		add(token)
	}
	return found
}

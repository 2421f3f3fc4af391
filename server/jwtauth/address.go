package jwtauth

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"syncabled/server"
)

// This file has what is true of the URLs of key sets: where they may lead, and what
// may be shown of them.

// mayHaveKeys reports whether nobody on the way can change what is read from a URL.
func mayHaveKeys(u *url.URL) bool {
	return u.Scheme == "https" && u.Host != "" || u.Scheme == "http" && server.IsLocalhost(u.Hostname())
}

const mostRedirects = 5

// checkRedirect is the CheckRedirect of an [http.Client]. A redirect may not leave
// https, nor lead from another machine to this one.
func checkRedirect(next *http.Request, via []*http.Request) error {
	first := via[0].URL
	switch {
	case len(via) > mostRedirects:
		return fmt.Errorf("more than %d redirects", mostRedirects)
	case !mayHaveKeys(next.URL),
		first.Scheme == "https" && next.URL.Scheme != "https",
		!server.IsLocalhost(first.Hostname()) && server.IsLocalhost(next.URL.Hostname()):
		return fmt.Errorf("a redirect to %s://%s, where others could put in keys of their own, is not followed", next.URL.Scheme, next.URL.Host)
	}
	next.Header.Del("Referer") // which has the query of the URL before
	return nil
}

// withoutURL returns an error of an [http.Client] without the URL in front of it, which
// may have a password in it, or be one that only the provider should know.
func withoutURL(err error) error {
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// redacted stands for what is not shown.
const redacted = "xxxxx"

// RedactURL returns what may be shown of the URL of a key set: not the user and the
// password, nor the query, which may have others.
func RedactURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User == nil && strings.Contains(raw, "@") {
		return redacted // a password may be anywhere
	}
	if u.User != nil {
		u.User = url.User(redacted)
	}
	if u.RawQuery != "" {
		u.RawQuery = redacted
	}
	u.Fragment, u.RawFragment = "", ""
	return u.String()
}

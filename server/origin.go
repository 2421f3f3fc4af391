package server

import (
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"
)

// originAllowed reports whether the page that makes a request may connect. A
// request without an origin does not come from a page.
func originAllowed(r *http.Request, patterns []string) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil {
		return false
	}
	if u.Host != "" && (strings.EqualFold(u.Host, r.Host) || IsLocalhost(u.Hostname())) {
		return true
	}
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		return originMatches(pattern, origin, u.Host)
	})
}

// originMatches compares a pattern with the host of an origin, or, if it speaks
// of more than a host, with the whole.
func originMatches(pattern, origin, host string) bool {
	if pattern == "*" {
		return true
	}
	subject := host
	if host == "" || strings.Contains(pattern, "://") { // the origin of a file is "null"
		subject = origin
	}
	ok, err := path.Match(strings.ToLower(pattern), strings.ToLower(subject))
	return err == nil && ok
}

// AllowsAnyOrigin reports whether a pattern of Config.AllowOrigin stands for more
// than the pages of one owner: for any, for all of a top-level domain, or for files
// and other pages without an origin of their own.
func AllowsAnyOrigin(pattern string) bool {
	for _, host := range []string{"canary.invalid", "canary.com", "canary.org", "canary.net", "canary.io", "canary.dev", "canary.app", "canary.de:8443"} {
		for _, scheme := range []string{"https://", "http://"} {
			if originMatches(pattern, scheme+host, host) {
				return true
			}
		}
	}
	return originMatches(pattern, "null", "")
}

// IsLocalhost reports whether a host, without a port, is this machine by its name or
// its address.
func IsLocalhost(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

package server

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// An origin says where a page is from, as the header Origin does. That of a page without
// one, null, has the scheme null and no host; that of a file has no host.
type origin struct {
	scheme string
	host   host
	port   string // "" if the scheme has none
}

func parseOrigin(text string) (o origin, ok bool) {
	if text == "null" {
		return origin{scheme: "null"}, true
	}
	scheme, rest, ok := strings.Cut(text, "://")
	if scheme = strings.ToLower(scheme); !ok || !isScheme(scheme) {
		return origin{}, false
	}
	if rest == "" {
		return origin{scheme: scheme}, true
	}
	h, port, ok := parseHost(rest)
	return origin{scheme, h, cmp.Or(port, defaultPort(scheme))}, ok
}

func isScheme(text string) bool {
	return text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789+.-") == ""
}

func defaultPort(scheme string) string {
	switch scheme {
	case "http":
		return "80"
	case "https":
		return "443"
	}
	return ""
}

// An originPattern stands for origins whose pages may connect.
type originPattern struct {
	scheme string // "" is any
	host   host   // with * for any characters
	port   string // "" is that of the scheme, "*" is any
}

// parseOriginPattern parses a pattern of Config.AllowOrigin.
func parseOriginPattern(text string) (p originPattern, err error) {
	if text == "null" {
		return originPattern{scheme: "null"}, nil
	}
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		scheme, rest = "", text
	}
	if scheme = strings.TrimPrefix(strings.ToLower(scheme), "*"); scheme != "" && !isScheme(scheme) {
		return p, fmt.Errorf("%q is no pattern: %q is no scheme; leave it out, or give one such as https", text, scheme)
	}
	if scheme != "" && rest == "" && defaultPort(scheme) == "" {
		return originPattern{scheme: scheme}, nil // file://
	}
	name, port := splitPort(rest)
	h, ok := hostOf(name, "*")
	switch {
	case name == "" || strings.ContainsAny(rest, "/ @"):
		return p, fmt.Errorf("%q matches no origin: an origin is a host with its port, or scheme://host:port, without a path", text)
	case !ok:
		return p, fmt.Errorf("%q is no pattern: %q is no host; a host is a name in ASCII, in which * stands for any characters, or an address, with [ and ] if it is one of IPv6", text, name)
	case port != "*" && !isPort(port):
		return p, fmt.Errorf("%q is no pattern: %q is no port; give a number, or * for all", text, port)
	case h.text == "*" && port == "":
		port = "*"
	}
	return originPattern{scheme, h, port}, nil
}

// CheckAllowOrigin returns what is wrong with a pattern of Config.AllowOrigin.
func CheckAllowOrigin(pattern string) error {
	_, err := parseOriginPattern(pattern)
	return err
}

func (p originPattern) matches(o origin) bool {
	return (p.scheme == "" || p.scheme == o.scheme) && p.host.matches(o.host) &&
		(p.port == "*" || cmp.Or(p.port, defaultPort(o.scheme)) == o.port)
}

// letsUseCookie reports whether the pages of an origin that the pattern matches may use
// a cookie. A pattern without a scheme then means https, because anybody on the way can
// put a page in the place of one of http, except on the machine of the user.
func (p originPattern) letsUseCookie(o origin) bool {
	isSafe := p.scheme != "" || o.scheme == "https" || o.scheme == "http" && o.host.isLoopback()
	return isSafe && o.host.text != "" && p.host.owns(o.host)
}

// names reports whether a host is one whose pages the pattern stands for: its operator
// knows it.
func (p originPattern) names(h host) bool {
	isWeb := p.scheme == "" || p.scheme == "http" || p.scheme == "https"
	return isWeb && p.host.matches(h) && p.host.owns(h)
}

// AllowsAnyOrigin reports whether a pattern of Config.AllowOrigin stands for more
// than the pages of one owner: for any, for all below a public suffix such as com or
// github.io, or for files and other pages without an origin of their own.
func AllowsAnyOrigin(pattern string) bool {
	p, err := parseOriginPattern(pattern)
	return err != nil || p.host.text == "" || !p.host.ownsAll()
}

// isOriginAllowed reports whether the page that makes a request may connect. A request
// without an origin does not come from a page.
func (s *Server) isOriginAllowed(r *http.Request) bool {
	header := r.Header.Get("Origin")
	if header == "" {
		return true
	}
	o, ok := parseOrigin(header)
	if !ok {
		return false
	}
	usesCookie := s.usesCookie(r)
	asked, port, ok := parseHost(r.Host)
	isSameHost := ok && o.host == asked && o.port == cmp.Or(port, defaultPort(o.scheme))
	switch {
	case isSameHost && (!usesCookie || o.scheme == "https" || o.scheme == "http" && !s.isOverTLS(r)):
		return true
	case o.host.isLoopback() && (!usesCookie || asked.isLoopback() && isFromLoopback(r)):
		return true
	}
	return slices.ContainsFunc(*s.origins.Load(), func(p originPattern) bool {
		return p.matches(o) && (!usesCookie || p.letsUseCookie(o))
	})
}

// refuseOrigin answers a page that may not connect. One that was opened as a file has
// the origin null, or file:// in some apps that are made of web pages.
func (s *Server) refuseOrigin(w http.ResponseWriter, r *http.Request) {
	origin := r.Header.Get("Origin")
	o, ok := parseOrigin(origin)
	what, fix := "refused a page of another origin", fmt.Sprintf("to allow it, start with --allow-origin %q", origin)
	hint := "its operator can allow them with --allow-origin"
	switch {
	case ok && (o.scheme == "null" || o.scheme == "file"):
		what, fix = "refused a page that was opened as a file", "serve its folder with --static DIR, and open it at the address of the server"
		hint = "such a page was opened as a file (file://), or is in a sandbox. Serve its folder with --static DIR, and open it at the address of the server"
	case ok && s.usesCookie(r) && (o.scheme != "https" || o.host.isLoopback()):
		what = "refused a page that brings a cookie, because it is neither of https nor on the machine of the server"
	}
	if s.refusals.allow(origin) {
		s.config.Logger.Warn().Str("origin", origin).Str("host", r.Host).Msg(what + "; " + fix)
	}
	http.Error(w, fmt.Sprintf("pages of the origin %q may not connect to this server; %s", origin, hint), http.StatusForbidden)
}

// A CookieAuthorizer is an Authorizer that may go by a cookie. A browser sends that
// whichever page connects, so the origins of pages are held to more.
type CookieAuthorizer interface {
	Authorizer

	// UsesCookie reports whether a request has the cookie.
	UsesCookie(r *http.Request) bool
}

func (s *Server) usesCookie(r *http.Request) bool {
	if s.config.Authorizer == nil {
		return false
	}
	a, ok := (*s.authorizer.Load()).(CookieAuthorizer)
	return ok && a.UsesCookie(r)
}

// isOverTLS reports whether the browser speaks TLS, to the server or to a proxy. A page
// cannot set the header, so of a proxy that is not known it counts too, unless the
// server knows better.
func (s *Server) isOverTLS(r *http.Request) bool {
	peer, _ := addressOf(r.RemoteAddr)
	said := strings.ToLower(strings.Join(r.Header.Values("X-Forwarded-Proto"), ","))
	if said == "" || r.TLS != nil && !isOneOf(peer, s.config.TrustProxy) {
		return r.TLS != nil
	}
	return strings.Contains(said, "https") || strings.Contains(said, "wss")
}

// isFromLoopback reports whether no proxy says that a request is from another machine.
func isFromLoopback(r *http.Request) bool {
	for _, list := range r.Header.Values("X-Forwarded-For") {
		for hop := range strings.SplitSeq(list, ",") {
			if addr, ok := addressOf(strings.TrimSpace(hop)); !ok || !addr.IsLoopback() {
				return false
			}
		}
	}
	return true
}

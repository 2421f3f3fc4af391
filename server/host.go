package server

import (
	"fmt"
	"net/http"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// A host is a DNS name or an IP address: of a Host header, of an origin, or of a
// pattern of them. Two hosts are the same if they are equal.
type host struct {
	text string     // a name in lower case, without a dot at its end; an address as netip writes it
	addr netip.Addr // invalid for a name
}

// parseHost parses a Host header: a host, with or without a port. An IPv6 address is in
// brackets. The port is "" if there is none.
func parseHost(text string) (h host, port string, ok bool) {
	name, port := splitPort(text)
	if h, ok = hostOf(name, ""); !ok || !isPort(port) {
		return host{}, "", false
	}
	return h, port, true
}

func splitPort(text string) (name, port string) {
	if i := strings.LastIndexByte(text, ':'); i > strings.LastIndexByte(text, ']') {
		return text[:i], text[i+1:]
	}
	return text, ""
}

func isPort(text string) bool {
	_, err := strconv.ParseUint(text, 10, 16)
	return text == "" || err == nil
}

// hostOf returns the host that a text without a port stands for. A name may have the
// characters of wildcards as well.
func hostOf(text, wildcards string) (h host, ok bool) {
	if inner, bracketed := strings.CutPrefix(text, "["); bracketed {
		inner, closed := strings.CutSuffix(inner, "]")
		addr, err := netip.ParseAddr(inner)
		if err != nil || !closed || !addr.Is6() || addr.Zone() != "" {
			return host{}, false
		}
		return host{addr.String(), addr}, true
	}
	text = strings.TrimSuffix(text, ".")
	if addr, err := netip.ParseAddr(text); err == nil && addr.Is4() {
		return host{text, addr}, true
	}
	// Before it is lowered, because some letters beyond ASCII have a lower case in it.
	return host{text: strings.ToLower(text)}, isName(text, wildcards)
}

// maxNameBytes is the longest DNS name, without the dot at its end.
const maxNameBytes = 253

func isName(text, wildcards string) bool {
	for label := range strings.SplitSeq(text, ".") {
		if label == "" || strings.ContainsFunc(label, func(c rune) bool {
			return (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') &&
				c != '-' && c != '_' && !strings.ContainsRune(wildcards, c)
		}) {
			return false
		}
	}
	return len(text) <= maxNameBytes
}

// isLoopback reports whether the host is the machine of whoever asks for it. Browsers
// do not look up names below localhost.
func (h host) isLoopback() bool {
	return h.text == "localhost" || strings.HasSuffix(h.text, ".localhost") || h.addr.Unmap().IsLoopback()
}

// isRebindable reports whether the owner of a domain can have the host lead to any
// machine: a page of that domain then reaches the machine as if it were its own server
// (DNS rebinding).
func (h host) isRebindable() bool { return !h.addr.IsValid() && !h.isLoopback() }

// IsRebindable reports whether a Host header may have been brought about by the owner of
// a domain who has it lead to this machine (DNS rebinding): it is neither localhost nor
// an address.
func IsRebindable(header string) bool {
	h, _, ok := parseHost(header)
	return !ok || h.isRebindable()
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

// matches reports whether a host is what a pattern stands for, in whose name * is any
// characters. It is path.Match that matches because a name has no other characters that
// mean something there.
func (pattern host) matches(h host) bool {
	if pattern.addr.IsValid() {
		return pattern.addr == h.addr
	}
	ok, err := path.Match(pattern.text, h.text)
	return err == nil && ok
}

// ownsAll reports whether one owner has all hosts that a pattern matches. Its last *
// then stands before a dot, or further labels, and a domain that can be registered.
func (pattern host) ownsAll() bool {
	parent, ok := pattern.parent()
	return !ok || isOwned("any."+parent, parent)
}

// owns reports whether a host that a pattern matches belongs to the owner of the
// pattern. Not all do even if ownsAll has not found out: of amazonaws.com, names below
// s3 are anybody's.
func (pattern host) owns(h host) bool {
	parent, ok := pattern.parent()
	return !ok || isOwned(h.text, parent)
}

// parent returns the domain that all hosts which a pattern matches are below of. It is
// false for a pattern that matches a single host.
func (pattern host) parent() (name string, ok bool) {
	star := strings.LastIndexByte(pattern.text, '*')
	if star < 0 {
		return "", false
	}
	_, name, _ = strings.Cut(pattern.text[star:], ".")
	return name, true
}

// isOwned reports whether a name belongs to whoever has the domain that it ends in.
func isOwned(name, parent string) bool {
	last := parent[strings.LastIndexByte(parent, '.')+1:]
	if _, err := strconv.Atoi(last); err == nil { // the end of an address
		return false
	}
	domain, err := publicsuffix.EffectiveTLDPlusOne(name)
	return err == nil && len(domain) <= len(parent)
}

// parseHostPattern parses a pattern of Config.AllowHost. A port is let go: who has a
// name has all of its ports.
func parseHostPattern(text string) (pattern host, err error) {
	name, port := splitPort(text)
	pattern, ok := hostOf(name, "*")
	if !ok || !isPort(port) {
		return host{}, fmt.Errorf("%q is no host: give a name such as sync.example.com, or *.example.com for all below it", text)
	}
	return pattern, nil
}

// CheckAllowHost returns what is wrong with a pattern of Config.AllowHost.
func CheckAllowHost(pattern string) error {
	_, err := parseHostPattern(pattern)
	return err
}

// parseAll parses patterns. Those that are none match nothing, so they are left out.
func parseAll[P any](patterns []string, parse func(string) (P, error)) *[]P {
	parsed := make([]P, 0, len(patterns))
	for _, text := range patterns {
		if pattern, err := parse(text); err == nil {
			parsed = append(parsed, pattern)
		}
	}
	return &parsed
}

// isHostAllowed reports whether a request is for a host that the server answers for.
// Where an Authorizer decides, any will do: a page that has its own name lead here
// brings no token, because a browser sends the cookies of that name.
func (s *Server) isHostAllowed(header string) bool {
	if s.config.Authorizer != nil {
		return true
	}
	h, _, ok := parseHost(header)
	return ok && (!h.isRebindable() ||
		slices.ContainsFunc(*s.hosts.Load(), func(p host) bool { return p.matches(h) }) ||
		slices.ContainsFunc(*s.origins.Load(), func(p originPattern) bool { return p.names(h) }))
}

// refuseHost answers a request for a host that the server does not answer for.
func (s *Server) refuseHost(w http.ResponseWriter, r *http.Request) {
	s.counts.refuse(refusedHost)
	asked := r.Host[:min(len(r.Host), maxNameBytes)]
	if s.refusals.allow("host " + asked) {
		name, _ := splitPort(asked)
		s.config.Logger.Warn().Str("host", asked).Str("origin", r.Header.Get("Origin")).
			Msgf("refused a request for a host that is not known; if it is this server, start it with --allow-host %q", name)
	}
	http.Error(w, fmt.Sprintf("this server does not answer for the host %q: without authentication it answers for localhost, "+
		"for IP addresses, and for the hosts that its operator names with --allow-host", asked), http.StatusForbidden)
}

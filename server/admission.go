package server

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/coder/websocket"
)

// admit adds a session, or says why there may be none. A connection of a session
// has left the line of handshakes.
func (s *Server) admit(session *session) *closing {
	s.mu.Lock()
	defer s.mu.Unlock()
	refuse := func(why refusal, format string, args ...any) *closing {
		s.counts.refuse(why)
		return &closing{code: websocket.StatusTryAgainLater, reason: fmt.Sprintf(format, args...)}
	}
	most, mostOfOne := s.config.MaxConnections, s.config.MaxConnectionsPerAddress
	switch {
	case s.draining:
		s.counts.refuse(refusedDraining)
		refusal := restarting
		return &refusal
	case len(s.sessions) >= most:
		return refuse(refusedConnections, "the server has %d connections, as many as it may", most)
	case mostOfOne > 0 && s.fromAddress[session.address] >= mostOfOne:
		return refuse(refusedAddress, "your address has %d connections, as many as it may", mostOfOne)
	}
	s.sessions[session] = struct{}{}
	s.fromAddress[session.address]++
	s.running.Add(1)
	s.counts.accepted.Add(1)
	s.tidy.note()
	return nil
}

// leave takes a session off the list. It may have been taken off before.
func (s *Server) leave(session *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, listed := s.sessions[session]; !listed {
		return
	}
	delete(s.sessions, session)
	if s.fromAddress[session.address]--; s.fromAddress[session.address] == 0 {
		delete(s.fromAddress, session.address)
	}
	s.running.Done()
	s.tidy.note()
}

// remoteOf returns where a request comes from: the other end of its connection,
// or, if that is a proxy that is trusted, what the proxy says.
func remoteOf(r *http.Request, proxies []netip.Prefix) string {
	remote := r.RemoteAddr
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		hop = strings.TrimSpace(hop)
		if addr, ok := addressOf(remote); !ok || hop == "" || !isOneOf(addr, proxies) {
			return remote
		}
		remote = strings.Clone(hop) // not to keep all hops for as long as the connection lasts
	}
	return remote
}

func isOneOf(addr netip.Addr, prefixes []netip.Prefix) bool {
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// addressOf returns the address in host:port, or in a host alone.
func addressOf(remote string) (netip.Addr, bool) {
	if port, err := netip.ParseAddrPort(remote); err == nil {
		return port.Addr().Unmap(), true
	}
	addr, err := netip.ParseAddr(remote)
	return addr.Unmap(), err == nil
}

// countedAddress returns what counts as one address: of IPv6, where one host
// has many, the network.
func countedAddress(remote string) string {
	addr, ok := addressOf(remote)
	if !ok {
		return remote
	}
	if addr.Is6() {
		network, _ := addr.Prefix(64) // has that many bits
		return network.String()
	}
	return addr.String()
}

package jwtauth

import (
	"fmt"
	"net/http"
)

// Codes returns the codes of all refusals, each with its status.
func Codes() []string {
	var codes []string
	for _, k := range kinds {
		codes = append(codes, fmt.Sprintf("%s %d", k.code, k.status))
	}
	return codes
}

// Slug is slug.
func Slug(text string) string { return slug(text) }

// Transport has a key set fetched by another way than the network.
func (j *JWKS) Transport(transport http.RoundTripper) { j.client.Transport = transport }

// ParseKeySet returns how many keys a key set has, and what was left out of it.
func ParseKeySet(text []byte) (keys int, leftOut, err error) {
	set, leftOut, err := parseJWKS(text)
	for _, key := range set {
		if len(key.algorithms) == 0 || checkKey(key.key) != nil {
			return 0, nil, fmt.Errorf("a key that checks no signatures: %+v", key)
		}
	}
	return len(set), leftOut, err
}

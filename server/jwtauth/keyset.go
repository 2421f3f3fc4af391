package jwtauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/MicahParks/jwkset"
)

// A verifier is a public key, or a secret, with the algorithms that it may check
// signatures of.
type verifier struct {
	key        any
	algorithms []string
}

// newVerifier returns a key with all algorithms that go with it.
func newVerifier(key any) verifier { return verifier{key, algorithmsOf(key)} }

var errNoKey = errors.New("the set has no public key for signatures")

// mostReasons is how many entries a report of those that are left out names.
const mostReasons = 5

// A publishedKey is an entry of a key set.
type publishedKey struct {
	kid string // "" if it has none; several may have the same
	verifier
}

// parseJWKS returns the public keys of a set that are for signatures. A set may hold
// others, too, which are left out; a secret has no place where everybody can read it.
// So are entries that are broken, or of a kind that came later: leftOut says which.
func parseJWKS(text []byte) (keys []publishedKey, leftOut error, err error) {
	var published struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(text, &published); err != nil {
		return nil, nil, fmt.Errorf("no JSON Web Key Set: %w", err)
	}
	var reasons []string
	for i, entry := range published.Keys {
		key, isMeant, err := parsePublished(entry)
		switch {
		case err != nil:
			reasons = append(reasons, fmt.Sprintf("entry %d: %v", i+1, err))
		case isMeant:
			keys = append(keys, key)
		}
	}
	if n := len(reasons); n > 0 {
		leftOut = fmt.Errorf("%d keys of the set are left out: %s", n, strings.Join(reasons[:min(n, mostReasons)], "; "))
	}
	switch {
	case len(keys) > 0:
		return keys, leftOut, nil
	case leftOut != nil:
		return nil, nil, fmt.Errorf("%w: %w", errNoKey, leftOut)
	}
	return nil, nil, errNoKey
}

// parsePublished reads an entry of a key set. It is not meant for us if it does not
// check signatures, by use (RFC 7517, section 4.2), key_ops (4.3) or alg (4.4), or is
// a secret.
func parsePublished(entry json.RawMessage) (key publishedKey, isMeant bool, err error) {
	var marshal jwkset.JWKMarshal
	if err := json.Unmarshal(entry, &marshal); err != nil {
		return publishedKey{}, false, err
	}
	switch {
	case marshal.USE != "" && marshal.USE != jwkset.UseSig,
		marshal.KEYOPS != nil && !slices.Contains(marshal.KEYOPS, jwkset.KeyOpsVerify),
		marshal.KTY == jwkset.KtyOct:
		return publishedKey{}, false, nil
	}
	// Both have been looked at; operations that are not registered are allowed.
	jwk, err := jwkset.NewJWKFromMarshal(marshal, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{SkipUse: true, SkipKeyOps: true})
	if err != nil {
		return publishedKey{}, false, err
	}
	if err := checkKey(jwk.Key()); err != nil {
		return publishedKey{}, false, err
	}
	v := newVerifier(jwk.Key())
	if alg := string(marshal.ALG); alg != "" {
		v.algorithms = slices.DeleteFunc(v.algorithms, func(a string) bool { return a != alg })
	}
	return publishedKey{marshal.KID, v}, len(v.algorithms) > 0, nil
}

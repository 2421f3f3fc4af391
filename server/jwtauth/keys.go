package jwtauth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

const (
	fewestSecretBytes = 32   // RFC 7518, section 3.2, for HS256
	fewestRSABits     = 2048 // RFC 7518, section 3.3
)

// check says what is wrong with the configuration.
func (c *Config) check() error {
	sources := 0
	for _, isSet := range []bool{len(c.Secret) > 0, len(c.Keys) > 0, c.JWKS != nil} {
		if isSet {
			sources++
		}
	}
	if sources != 1 {
		return errors.New("tokens are checked with a secret, with keys from a file, or with keys from a URL: give one of them")
	}
	if n := len(c.Secret); n > 0 && n < fewestSecretBytes {
		return fmt.Errorf("the secret has %d bytes; it needs %d at least, such as those of: openssl rand -base64 32", n, fewestSecretBytes)
	}
	for _, key := range c.Keys {
		if err := checkKey(key); err != nil {
			return err
		}
	}
	return nil
}

func checkKey(key any) error {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() < fewestRSABits {
			return fmt.Errorf("an RSA key of %d bits is too short; it needs %d at least", key.N.BitLen(), fewestRSABits)
		}
		return nil
	case *ecdsa.PublicKey, ed25519.PublicKey:
		if algorithmsOf(key) == nil {
			return errors.New("a key of a curve other than P-256, P-384 and P-521")
		}
		return nil
	}
	return fmt.Errorf("a key of a kind that signs no tokens: %T", key)
}

// algorithmsOf returns the algorithms that go with a key. That a key has none of
// another kind is what keeps a public key from being taken for a secret.
func algorithmsOf(key any) []string {
	switch key := key.(type) {
	case []byte:
		return []string{"HS256", "HS384", "HS512"}
	case *rsa.PublicKey:
		return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
	case *ecdsa.PublicKey:
		switch key.Curve {
		case elliptic.P256():
			return []string{"ES256"}
		case elliptic.P384():
			return []string{"ES384"}
		case elliptic.P521():
			return []string{"ES512"}
		}
	case ed25519.PublicKey:
		return []string{"EdDSA"}
	}
	return nil
}

// key returns what to check the signature of a token with: the keys that its
// algorithm goes with. The error is a refusal.
func (c *Config) key(ctx context.Context, t *jwt.Token) (any, error) {
	if err := checkHeader(t); err != nil {
		return nil, err
	}
	candidates, err := c.candidates(ctx, t)
	if err != nil {
		return nil, err
	}
	var set jwt.VerificationKeySet
	var allowed []string
	for _, v := range candidates {
		allowed = append(allowed, v.algorithms...)
		if slices.Contains(v.algorithms, t.Method.Alg()) {
			set.Keys = append(set.Keys, v.key)
		}
	}
	if len(set.Keys) == 0 {
		slices.Sort(allowed)
		return nil, refuse(algNotAllowed, t.Method.Alg(), strings.Join(slices.Compact(allowed), ", "))
	}
	return set, nil
}

// candidates returns the keys that a token may be signed with, of any algorithm. The
// error is a refusal.
func (c *Config) candidates(ctx context.Context, t *jwt.Token) ([]verifier, error) {
	switch {
	case len(c.Secret) > 0:
		return []verifier{newVerifier(c.Secret)}, nil
	case c.JWKS != nil:
		return c.JWKS.keys(ctx, t, c.Now())
	}
	var list []verifier
	for _, key := range c.Keys {
		list = append(list, newVerifier(key))
	}
	return list, nil
}

// ParseKeys returns the public keys, and those of the certificates, of a PEM file.
func ParseKeys(text []byte) ([]any, error) {
	var keys []any
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		key, err := parseKey(block)
		if err != nil {
			return nil, err
		}
		if err := checkKey(key); err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	if keys == nil {
		return nil, errors.New("no key in PEM form: it begins with -----BEGIN PUBLIC KEY-----")
	}
	return keys, nil
}

func parseKey(block *pem.Block) (any, error) {
	switch block.Type {
	case "PUBLIC KEY":
		return x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		return x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		return certificate.PublicKey, nil
	}
	if strings.HasSuffix(block.Type, "PRIVATE KEY") {
		return nil, errors.New("a private key, which a server that checks tokens should not have: give the public one, as of: openssl pkey -in FILE -pubout")
	}
	return nil, fmt.Errorf("a %q, which is neither a public key nor a certificate", block.Type)
}

// Package jwtauth lets clients into databases by JSON Web Tokens (RFC 7519).
//
// # Where a token comes from
//
// A handshake brings its token in one of four places:
//
//	Authorization: Bearer TOKEN            programs
//	a cookie                               browsers with the sample protocol
//	Sec-WebSocket-Protocol: syncabled, bearer.TOKEN
//	                                       browsers with a protocol of their own
//	?token=TOKEN                           tools; the token ends up in logs of
//	                                       proxies, and Dexie.Syncable takes
//	                                       another URL for another server
//
// # What is checked
//
// First that the header has no crit, and then the signature. The kind of key decides which algorithms may be: a secret
// HS256, HS384 and HS512; an RSA key RS and PS; an elliptic curve the one ES that
// goes with it; an Ed25519 key EdDSA. Then exp, nbf, iat and aud, with clocks that
// may differ by a minute. exp and sub are required.
//
// # What a token may do
//
//	db      the databases, as a string or a list, with * for any characters
//	access  "read" or "write"; without it, write
//
// With Config.Databases, db is not looked at: the databases follow from other
// claims, which have to be strings. What is put into a pattern counts as it is, so
// that a sub of "*" is not all databases. It may not contain the text that separates
// it from other claims and stars, so that no two tokens whose claims differ open the
// same database through one pattern. {sub:slug} puts in the sub with all that
// the name of a database cannot have escaped.
package jwtauth

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"syncabled/server"
)

// Config says which tokens are accepted. Exactly one of Secret, Keys and JWKS is
// set; the others are empty.
type Config struct {
	Secret []byte // of HS256, HS384 and HS512; at least 32 bytes
	Keys   []any  // public keys: *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey
	JWKS   *JWKS  // where public keys are published

	Audience    string        // that aud has to name; "" is any
	MaxLifetime time.Duration // from iat to exp; 0 is any

	Cookie    string   // name of the cookie that may hold the token; "" is none
	Databases []string // patterns with {claim} in them, instead of the claim db

	Now func() time.Time // default time.Now
}

// An Authorizer is a [server.Authorizer] that asks for a token.
type Authorizer struct {
	config    Config
	templates []template
	parser    *jwt.Parser
}

// Tolerance is how much clocks may differ.
const Tolerance = time.Minute

// New returns an Authorizer. The error names the fix.
func New(config Config) (*Authorizer, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	templates, err := parseTemplates(config.Databases)
	if err != nil {
		return nil, err
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	options := []jwt.ParserOption{
		jwt.WithLeeway(Tolerance),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithTimeFunc(config.Now),
	}
	if config.Audience != "" {
		options = append(options, jwt.WithAudience(config.Audience))
	}
	return &Authorizer{config: config, templates: templates, parser: jwt.NewParser(options...)}, nil
}

// Authorize implements [server.Authorizer].
func (a *Authorizer) Authorize(r *http.Request, database string) (server.Grant, error) {
	token, err := tokenOf(r, a.config.Cookie)
	if err != nil {
		return server.Grant{}, err
	}
	rights, err := a.Check(r.Context(), token)
	if err != nil {
		return server.Grant{}, err
	}
	if err := rights.Open(database); err != nil {
		return server.Grant{}, err
	}
	// The client would come back with the same token, and be let in, as long as
	// clocks may differ.
	return server.Grant{Subject: rights.Subject, ReadOnly: rights.ReadOnly, Expires: rights.Expires.Add(Tolerance)}, nil
}

// Check returns what a token allows. The error is a [*server.Refusal].
func (a *Authorizer) Check(ctx context.Context, token string) (Rights, error) {
	claims := claims{}
	parsed, err := a.parser.ParseWithClaims(token, &claims, func(t *jwt.Token) (any, error) { return a.config.key(ctx, t) })
	var refusal *server.Refusal
	switch {
	case err == nil:
		return a.rights(claims)
	case errors.As(err, &refusal):
		return Rights{}, refusal
	case errors.Is(err, jwt.ErrTokenUnverifiable):
		return Rights{}, unknownAlgorithm(parsed)
	}
	return Rights{}, a.config.explain(err, claims)
}

// checkHeader refuses a token that is not signed, and one that may only be accepted
// by those who understand extensions, of which there are none here (RFC 7515,
// section 4.1.11).
func checkHeader(t *jwt.Token) error {
	if alg, _ := t.Header["alg"].(string); strings.EqualFold(alg, "none") {
		return refuse(algNone)
	}
	if _, ok := t.Header["crit"]; ok {
		return refuse(critNotUnderstood)
	}
	return nil
}

func unknownAlgorithm(t *jwt.Token) error {
	if err := checkHeader(t); err != nil {
		return err
	}
	alg, _ := t.Header["alg"].(string)
	return refuse(algNotAllowed, alg, "one that is known")
}

// explain returns the refusal for an error of the parser, which may be several. The
// order is that of kinds.
func (c *Config) explain(err error, claims claims) *server.Refusal {
	switch {
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return refuse(badSignature)
	case errors.Is(err, jwt.ErrTokenExpired):
		return refuse(tokenExpired, timeOf(claims.GetExpirationTime()))
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		return refuse(tokenNotYetValid, timeOf(claims.GetNotBefore()))
	case errors.Is(err, jwt.ErrTokenUsedBeforeIssued):
		return refuse(tokenFromFuture, timeOf(claims.GetIssuedAt()))
	case errors.Is(err, jwt.ErrTokenInvalidAudience):
		return refuse(wrongAudience, c.Audience)
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return refuse(missingClaim, missing(claims))
	}
	return refuse(malformedToken)
}

// missing returns the claim that the parser requires and does not find.
func missing(claims claims) string {
	if _, ok := claims["exp"]; !ok {
		return "exp"
	}
	return "aud"
}

func timeOf(date *jwt.NumericDate, _ error) string {
	if date == nil {
		return "?"
	}
	return date.UTC().Format(time.RFC3339)
}

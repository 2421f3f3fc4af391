package jwtauth_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"syncabled/server"
	"syncabled/server/jwtauth"
)

// noon is the time of these tests.
var noon = time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)

func atNoon() time.Time { return noon }

var secret = []byte("a secret that is thirty-two bytes")

// signers sign tokens, by what they are called.
var signers = sync.OnceValue(func() map[string]any {
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p384, err384 := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	rsaKey, errRSA := rsa.GenerateKey(rand.Reader, 2048)
	otherRSA, errOther := rsa.GenerateKey(rand.Reader, 2048)
	thirdRSA, errThird := rsa.GenerateKey(rand.Reader, 2048)
	_, ed, errEd := ed25519.GenerateKey(rand.Reader)
	if err := errors.Join(err, err384, errRSA, errOther, errThird, errEd); err != nil {
		panic(err)
	}
	return map[string]any{"secret": secret, "P-256": p256, "P-384": p384, "RSA": rsaKey, "other RSA": otherRSA, "third RSA": thirdRSA, "Ed25519": ed}
})

// public returns the public key of a signer.
func public(t *testing.T, name string) any {
	t.Helper()
	switch key := signers()[name].(type) {
	case *rsa.PrivateKey:
		return &key.PublicKey
	case *ecdsa.PrivateKey:
		return &key.PublicKey
	case ed25519.PrivateKey:
		return key.Public()
	}
	t.Fatalf("%s has no public key", name)
	return nil
}

// good are the claims of a token that there is nothing wrong with.
func good() jwt.MapClaims {
	return jwt.MapClaims{"sub": "alice", "db": "notes", "exp": noon.Add(time.Hour).Unix(), "iat": noon.Unix()}
}

// with returns the claims with some changed; nil takes one away.
func with(changes ...any) jwt.MapClaims {
	claims := good()
	for i := 0; i < len(changes); i += 2 {
		name := changes[i].(string)
		if claims[name] = changes[i+1]; changes[i+1] == nil {
			delete(claims, name)
		}
	}
	return claims
}

func sign(t *testing.T, method jwt.SigningMethod, key any, claims jwt.MapClaims, header ...any) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	for i := 0; i < len(header); i += 2 {
		token.Header[header[i].(string)] = header[i+1]
	}
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// signText signs claims that may be no JSON object, or none that Go would write.
func signText(t *testing.T, claims string) string {
	t.Helper()
	head := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`))
	text := head + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	signature, err := jwt.SigningMethodHS256.Sign(text, secret)
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func newAuthorizer(t *testing.T, config jwtauth.Config) *jwtauth.Authorizer {
	t.Helper()
	if config.Now == nil {
		config.Now = atNoon
	}
	a, err := jwtauth.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// codeOf returns the code of a refusal, "" if there was none.
func codeOf(t *testing.T, err error) string {
	t.Helper()
	var refusal *server.Refusal
	switch {
	case err == nil:
		return ""
	case errors.As(err, &refusal):
		return refusal.Code
	}
	t.Fatalf("%v is no refusal", err)
	return ""
}

func inPEM(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func privateKey(t *testing.T) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(signers()["RSA"])
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

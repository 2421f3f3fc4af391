package jwtauth_test

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"syncabled/server/jwtauth"
)

// A publisher publishes a key set.
type publisher struct {
	*httptest.Server
	mu      sync.Mutex
	body    string // "" is an error
	asked   int
	errs    []string
	now     time.Time
	jwks    *jwtauth.JWKS
	authors *jwtauth.Authorizer
}

func newPublisher(t *testing.T) *publisher {
	t.Helper()
	p := &publisher{now: noon}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.asked++
		if p.body == "" {
			http.Error(w, "out of order", http.StatusBadGateway)
			return
		}
		_, _ = w.Write([]byte(p.body))
	}))
	t.Cleanup(p.Close)
	var err error
	p.jwks, err = jwtauth.NewJWKS(p.URL, func(err error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.errs = append(p.errs, err.Error())
	})
	if err != nil {
		t.Fatal(err)
	}
	p.authors = newAuthorizer(t, jwtauth.Config{JWKS: p.jwks, Now: func() time.Time { return p.now }})
	return p
}

func (p *publisher) publish(keys ...map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	text, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		panic(err)
	}
	p.body = string(text)
}

func (p *publisher) fails() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.body = ""
}

// wantAsked checks how often the set was fetched.
func (p *publisher) wantAsked(t *testing.T, want int) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.asked != want {
		t.Fatalf("the set was fetched %d times, want %d", p.asked, want)
	}
}

// wantCode checks a token that is signed with a key.
func (p *publisher) wantCode(t *testing.T, want string, method jwt.SigningMethod, signer string, header ...any) {
	t.Helper()
	token := sign(t, method, signers()[signer], with("exp", p.now.Add(time.Hour).Unix(), "iat", p.now.Unix()), header...)
	if _, err := p.authors.Check(t.Context(), token); codeOf(t, err) != want {
		t.Fatalf("%s signed with %s, %v: %v, want %q", method.Alg(), signer, header, err, want)
	}
}

func base64url(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }

func rsaJWK(t *testing.T, signer, kid string, more ...any) map[string]any {
	key := public(t, signer).(*rsa.PublicKey)
	jwk := map[string]any{"kty": "RSA", "n": base64url(key.N), "e": base64url(big.NewInt(int64(key.E)))}
	for i := 0; i < len(more); i += 2 {
		jwk[more[i].(string)] = more[i+1]
	}
	if kid != "" {
		jwk["kid"] = kid
	}
	return jwk
}

func ecJWK(t *testing.T, signer, kid string) map[string]any {
	point, err := public(t, signer).(*ecdsa.PublicKey).Bytes() // 4, x, y
	if err != nil {
		t.Fatal(err)
	}
	x, y := point[1:1+len(point)/2], point[1+len(point)/2:]
	return map[string]any{"kty": "EC", "crv": "P-256", "kid": kid,
		"x": base64.RawURLEncoding.EncodeToString(x), "y": base64.RawURLEncoding.EncodeToString(y)}
}

func TestJWKS(t *testing.T) {
	p := newPublisher(t)
	p.publish(
		rsaJWK(t, "RSA", "one", "use", "sig", "alg", "RS256"),
		ecJWK(t, "P-256", "two"),
		rsaJWK(t, "other RSA", "for encryption", "use", "enc"),
		map[string]any{"kty": "oct", "kid": "shared", "k": base64.RawURLEncoding.EncodeToString(secret)},
		map[string]any{"kty": "of the future", "kid": "three"},
	)
	p.wantCode(t, "", jwt.SigningMethodRS256, "RSA", "kid", "one")
	p.wantCode(t, "", jwt.SigningMethodES256, "P-256", "kid", "two")
	p.wantCode(t, "", jwt.SigningMethodRS256, "RSA")
	p.wantCode(t, "bad_signature", jwt.SigningMethodES256, "P-256", "kid", "one", "alg", "RS256")
	p.wantCode(t, "alg_not_allowed", jwt.SigningMethodRS512, "RSA", "kid", "one")
	p.wantCode(t, "alg_not_allowed", jwt.SigningMethodRS512, "RSA")
	p.wantCode(t, "alg_not_allowed", jwt.SigningMethodHS256, "secret")
	p.wantAsked(t, 1)
	p.wantCode(t, "unknown_kid", jwt.SigningMethodHS256, "secret", "kid", "shared")
	p.wantCode(t, "unknown_kid", jwt.SigningMethodRS256, "other RSA", "kid", "for encryption")
	p.wantAsked(t, 1)
}

func TestJWKSRotation(t *testing.T) {
	p := newPublisher(t)
	p.publish(rsaJWK(t, "RSA", "old"))
	p.wantCode(t, "", jwt.SigningMethodRS256, "RSA", "kid", "old")
	p.publish(rsaJWK(t, "other RSA", "new"))
	p.wantCode(t, "unknown_kid", jwt.SigningMethodRS256, "other RSA", "kid", "new") // just fetched
	p.now = p.now.Add(time.Minute)
	p.wantCode(t, "", jwt.SigningMethodRS256, "other RSA", "kid", "new")
	p.wantCode(t, "unknown_kid", jwt.SigningMethodRS256, "RSA", "kid", "old")
	p.wantAsked(t, 2)

	p.publish(rsaJWK(t, "RSA", "newest"))
	p.now = p.now.Add(time.Hour)
	p.wantCode(t, "unknown_kid", jwt.SigningMethodRS256, "other RSA", "kid", "new") // it was withdrawn
	p.wantAsked(t, 3)
}

func TestJWKSFailure(t *testing.T) {
	p := newPublisher(t)
	p.wantCode(t, "keys_unavailable", jwt.SigningMethodRS256, "RSA", "kid", "one")
	p.wantCode(t, "keys_unavailable", jwt.SigningMethodRS256, "RSA", "kid", "one")
	p.wantAsked(t, 1)
	for i := range 12 { // the pauses grow: 1 s, 2 s, ... 5 min
		p.now = p.now.Add(min(time.Second<<i, 5*time.Minute) - time.Millisecond)
		p.wantCode(t, "keys_unavailable", jwt.SigningMethodRS256, "RSA", "kid", "one")
		p.wantAsked(t, 1+i)
		p.now = p.now.Add(time.Millisecond)
		p.wantCode(t, "keys_unavailable", jwt.SigningMethodRS256, "RSA", "kid", "one")
		p.wantAsked(t, 2+i)
	}
	p.publish(rsaJWK(t, "RSA", "one"))
	p.now = p.now.Add(5 * time.Minute)
	p.wantCode(t, "", jwt.SigningMethodRS256, "RSA", "kid", "one")
	p.fails()
	p.now = p.now.Add(time.Hour)
	p.wantCode(t, "", jwt.SigningMethodRS256, "RSA", "kid", "one") // what was known is still good
	if want := "502 Bad Gateway; next try in 1s"; !slices.ContainsFunc(p.errs, func(err string) bool { return strings.Contains(err, want) }) {
		t.Errorf("reported %q, want one with %q", p.errs, want)
	}
	p.publish(map[string]any{"kty": "oct", "kid": "shared", "k": base64.RawURLEncoding.EncodeToString(secret)})
	p.now = p.now.Add(time.Second)
	p.wantCode(t, "", jwt.SigningMethodRS256, "RSA", "kid", "one")
	if last, want := p.errs[len(p.errs)-1], "no public key"; !strings.Contains(last, want) {
		t.Errorf("reported %q, want one with %q", last, want)
	}
}

// Two keys may have one name, such as while they change places.
func TestJWKSKeysOfOneName(t *testing.T) {
	p := newPublisher(t)
	p.publish(
		rsaJWK(t, "RSA", "one", "alg", "RS256"),
		rsaJWK(t, "other RSA", "one"),
		ecJWK(t, "P-256", "one"),
		rsaJWK(t, "third RSA", ""),
		rsaJWK(t, "RSA", ""),
	)
	p.wantCode(t, "", jwt.SigningMethodRS256, "RSA", "kid", "one")
	p.wantCode(t, "", jwt.SigningMethodRS256, "other RSA", "kid", "one")
	p.wantCode(t, "", jwt.SigningMethodPS512, "other RSA", "kid", "one")
	p.wantCode(t, "", jwt.SigningMethodES256, "P-256", "kid", "one")
	p.wantCode(t, "bad_signature", jwt.SigningMethodRS512, "RSA", "kid", "one") // published for RS256
	p.wantCode(t, "bad_signature", jwt.SigningMethodRS256, "third RSA", "kid", "one")
	p.wantCode(t, "alg_not_allowed", jwt.SigningMethodES384, "P-384", "kid", "one")
	p.wantCode(t, "", jwt.SigningMethodRS256, "third RSA")
	p.wantCode(t, "", jwt.SigningMethodRS512, "RSA")
}

// Keys that are not for checking signatures are left out, and so are broken ones; both
// leave the others as they are.
func TestJWKSLeavesOut(t *testing.T) {
	p := newPublisher(t)
	p.publish(
		map[string]any{"kty": 7, "kid": "broken"},
		map[string]any{"kty": "RSA", "kid": "half", "n": "AQAB"},
		rsaJWK(t, "RSA", "operations", "key_ops", []string{"verify", "of the future"}),
		rsaJWK(t, "RSA", "signs", "key_ops", []string{"sign"}),
		rsaJWK(t, "RSA", "nothing", "key_ops", []string{}),
		rsaJWK(t, "RSA", "no list", "key_ops", "verify"),
		rsaJWK(t, "RSA", "null", "key_ops", nil),
		rsaJWK(t, "RSA", "encrypts", "use", "enc", "key_ops", []string{"verify"}),
		rsaJWK(t, "RSA", "encrypts, too", "alg", "RSA-OAEP"),
	)
	p.body = strings.Replace(p.body, `[`, `[null,"key",[],`, 1)
	for kid, want := range map[string]string{
		"operations": "", "null": "",
		"broken": "unknown_kid", "half": "unknown_kid", "signs": "unknown_kid", "nothing": "unknown_kid", "no list": "unknown_kid",
		"encrypts": "unknown_kid", "encrypts, too": "unknown_kid",
	} {
		p.wantCode(t, want, jwt.SigningMethodRS256, "RSA", "kid", kid)
	}
	p.now = p.now.Add(time.Hour)
	p.wantCode(t, "", jwt.SigningMethodRS256, "RSA", "kid", "null")
	p.wantAsked(t, 2)
	if want := "6 keys of the set are left out: entry 1: "; len(p.errs) != 1 || !strings.Contains(p.errs[0], want) {
		t.Errorf("reported %q, want one with %q", p.errs, want)
	}
	for _, body := range []string{`[]`, `{"keys":{}}`, `{"keys":[7]}`, `{}`, `null`, `{"keys":[{"kty":"RSA"}]}`} {
		p := newPublisher(t)
		p.body = body
		p.wantCode(t, "keys_unavailable", jwt.SigningMethodRS256, "RSA", "kid", "one")
	}
}

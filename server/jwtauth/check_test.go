package jwtauth_test

import (
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"syncabled/server/jwtauth"
)

func TestAlgorithms(t *testing.T) {
	for _, c := range []struct {
		signer  string
		methods []jwt.SigningMethod
	}{
		{"secret", []jwt.SigningMethod{jwt.SigningMethodHS256, jwt.SigningMethodHS384, jwt.SigningMethodHS512}},
		{"RSA", []jwt.SigningMethod{jwt.SigningMethodRS256, jwt.SigningMethodRS384, jwt.SigningMethodRS512, jwt.SigningMethodPS256}},
		{"P-256", []jwt.SigningMethod{jwt.SigningMethodES256}},
		{"P-384", []jwt.SigningMethod{jwt.SigningMethodES384}},
		{"Ed25519", []jwt.SigningMethod{jwt.SigningMethodEdDSA}},
	} {
		config := jwtauth.Config{Secret: secret}
		if c.signer != "secret" {
			config = jwtauth.Config{Keys: []any{public(t, c.signer)}}
		}
		a := newAuthorizer(t, config)
		for _, method := range c.methods {
			rights, err := a.Check(t.Context(), sign(t, method, signers()[c.signer], good()))
			if err != nil || rights.Subject != "alice" || rights.ReadOnly || rights.Open("notes") != nil || rights.Open("other") == nil {
				t.Errorf("%s with %s: %+v, %v", method.Alg(), c.signer, rights, err)
			}
		}
	}
}

// TestRefusals has a token for each reason to refuse one.
func TestRefusals(t *testing.T) {
	hs := func(claims jwt.MapClaims) string { return sign(t, jwt.SigningMethodHS256, secret, claims) }
	withSecret := jwtauth.Config{Secret: secret, Audience: "syncabled"}
	withRSA := jwtauth.Config{Keys: []any{public(t, "RSA")}}
	unix := func(d time.Duration) int64 { return noon.Add(d).Unix() }
	for _, c := range []struct {
		name   string
		config jwtauth.Config
		token  string
		want   string
	}{
		{"two parts", withSecret, "a.b", "malformed_token"},
		{"no JSON", withSecret, "YQ.YQ.YQ", "malformed_token"},
		{"exp is no time", jwtauth.Config{Secret: secret}, hs(with("exp", "soon")), "malformed_token"},
		{"not signed", withSecret, sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, good()), "alg_none"},
		{"not signed, in disguise", withSecret, strings.Replace(hs(good()), "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", "eyJhbGciOiJOb25lIn0", 1), "alg_none"},
		{"unknown algorithm", withSecret, strings.Replace(hs(good()), "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", "eyJhbGciOiJGMSJ9", 1), "alg_not_allowed"},
		{"RSA where there is a secret", withSecret, sign(t, jwt.SigningMethodRS256, signers()["RSA"], good()), "alg_not_allowed"},
		{"the public key as a secret", withRSA, sign(t, jwt.SigningMethodHS256, inPEM(t, public(t, "RSA")), good()), "alg_not_allowed"},
		{"another curve", jwtauth.Config{Keys: []any{public(t, "P-256")}}, sign(t, jwt.SigningMethodES384, signers()["P-384"], good()), "alg_not_allowed"},
		{"another secret", withSecret, sign(t, jwt.SigningMethodHS256, []byte("another secret"), good()), "bad_signature"},
		{"another RSA key", withRSA, sign(t, jwt.SigningMethodRS256, signers()["other RSA"], good()), "bad_signature"},
		{"changed", withSecret, changed(hs(good()), hs(with("sub", "bob"))), "bad_signature"},
		{"expired", withSecret, hs(with("aud", "syncabled", "exp", unix(-61*time.Second))), "token_expired"},
		{"not yet valid", withSecret, hs(with("aud", "syncabled", "nbf", unix(61*time.Second))), "token_not_yet_valid"},
		{"issued tomorrow", withSecret, hs(with("aud", "syncabled", "iat", unix(24*time.Hour), "exp", unix(25*time.Hour))), "token_from_future"},
		{"for somebody else", withSecret, hs(with("aud", []string{"shop", "mail"})), "wrong_audience"},
		{"for nobody", withSecret, hs(good()), "missing_claim"},
		{"without end", jwtauth.Config{Secret: secret}, hs(with("exp", nil)), "missing_claim"},
		{"of nobody", jwtauth.Config{Secret: secret}, hs(with("sub", nil)), "missing_claim"},
		{"of an empty subject", jwtauth.Config{Secret: secret}, hs(with("sub", "")), "bad_claim"},
		{"for no database", jwtauth.Config{Secret: secret}, hs(with("db", nil)), "missing_claim"},
		{"for a number", jwtauth.Config{Secret: secret}, hs(with("db", 7)), "bad_claim"},
		{"for a number among others", jwtauth.Config{Secret: secret}, hs(with("db", []any{"notes", 7})), "bad_claim"},
		{"for reading and more", jwtauth.Config{Secret: secret}, hs(with("access", "admin")), "bad_claim"},
		{"for too long", jwtauth.Config{Secret: secret, MaxLifetime: time.Hour}, hs(with("exp", unix(time.Hour+time.Second))), "lifetime_too_long"},
		{"since nobody knows when", jwtauth.Config{Secret: secret, MaxLifetime: time.Hour}, hs(with("iat", nil)), "missing_claim"},
		{"without what its database is made of", jwtauth.Config{Secret: secret, Databases: []string{"team-{org}"}}, hs(good()), "missing_claim"},

		{"with an extension", withSecret, sign(t, jwt.SigningMethodHS256, secret, good(), "crit", []string{"b64"}, "b64", false), "crit_not_understood"},
		{"with extensions of a kind that is none", withSecret, sign(t, jwt.SigningMethodHS256, secret, good(), "crit", nil), "crit_not_understood"},
		{"with an extension and an unknown algorithm", withSecret, strings.Replace(hs(good()), "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", "eyJhbGciOiJGMSIsImNyaXQiOltdfQ", 1), "crit_not_understood"},
		{"for a number as somebody", withSecret, hs(with("aud", 7)), "bad_claim"},
		{"for an empty list", withSecret, hs(with("aud", []string{})), "missing_claim"},

		{"expired within the tolerance", withSecret, hs(with("aud", "syncabled", "exp", unix(-59*time.Second))), ""},
		{"valid within the tolerance", withSecret, hs(with("aud", "syncabled", "nbf", unix(59*time.Second))), ""},
		{"for several", withSecret, hs(with("aud", []string{"shop", "syncabled"})), ""},
		{"for as long as may be", jwtauth.Config{Secret: secret, MaxLifetime: time.Hour}, hs(good()), ""},
	} {
		_, err := newAuthorizer(t, c.config).Check(t.Context(), c.token)
		if got := codeOf(t, err); got != c.want {
			t.Errorf("%s: %q (%v), want %q", c.name, got, err, c.want)
		}
	}
}

// TestClaims has claims as they are written, with the algorithm HS256.
func TestClaims(t *testing.T) {
	times := `"exp":1906549200,"iat":1906545600`
	orgs := jwtauth.Config{Secret: secret, Databases: []string{"team-{org}-*"}}
	numbers := jwtauth.Config{Secret: secret, Databases: []string{"team-{org:number}"}}
	slugs := jwtauth.Config{Secret: secret, Databases: []string{"user-{sub:slug}"}}
	plain := jwtauth.Config{Secret: secret}
	limited := jwtauth.Config{Secret: secret, MaxLifetime: time.Hour}
	org := func(value string) string { return `{"sub":"a",` + times + `,"org":` + value + `}` }
	sub := func(value string) string { return `{"db":"notes",` + times + `,"sub":` + value + `}` }
	at := func(times string) string { return `{"sub":"a","db":"notes",` + times + `}` }
	for _, c := range []struct {
		config jwtauth.Config
		claims string
		want   string
	}{
		// Times.
		{plain, at(`"exp":0`), "token_expired"},
		{plain, at(`"exp":-0`), "token_expired"},
		{plain, at(`"exp":0.0e5`), "token_expired"},
		{plain, at(`"exp":-1`), "token_expired"},
		{plain, at(`"exp":-1e300`), "token_expired"},
		{plain, at(`"exp":-1e999`), "token_expired"},
		{plain, at(`"exp":1e-999`), "token_expired"},
		{plain, at(`"exp":1906545539.9`), "token_expired"},
		{plain, at(`"exp":1906545541.5`), ""},
		{plain, at(`"exp":1.9065492e9`), ""},
		{plain, at(`"exp":9223372036854775808`), ""},
		{plain, at(`"exp":1e300`), ""},
		{plain, at(`"exp":1e999`), ""},
		{plain, at(`"exp":"1906549200"`), "malformed_token"},
		{plain, at(`"exp":null`), "malformed_token"},
		{plain, at(`"exp":true`), "malformed_token"},
		{plain, at(`"exp":[1906549200]`), "malformed_token"},
		{plain, at(`"iat":0`), "missing_claim"},
		{plain, at(`"exp":1906549200,"nbf":0,"iat":0`), ""},
		{plain, at(`"exp":1906549200,"nbf":-1e300,"iat":-5`), ""},
		{plain, at(`"exp":1906549200,"nbf":1e300`), "token_not_yet_valid"},
		{plain, at(`"exp":1906549200,"nbf":1e999`), "token_not_yet_valid"},
		{plain, at(`"exp":1906549200,"nbf":1906545661.5`), "token_not_yet_valid"},
		{plain, at(`"exp":1906549200,"nbf":"soon"`), "malformed_token"},
		{plain, at(`"exp":1906549200,"nbf":null`), "malformed_token"},
		{plain, at(`"exp":1906549200,"iat":9223372036854775807`), "token_from_future"},
		{plain, at(`"exp":1906549200,"iat":{}`), "malformed_token"},
		{limited, at(`"exp":1906549200,"iat":0`), "lifetime_too_long"},
		{limited, at(`"exp":1e999,"iat":1906545600`), "lifetime_too_long"},
		{limited, at(`"exp":1906549200.9,"iat":1906545600.9`), ""},

		// Subjects are strings.
		{plain, sub(`"1"`), ""},
		{plain, sub(`1`), "bad_claim"},
		{plain, sub(`9007199254740993`), "bad_claim"},
		{plain, sub(`1.5`), "bad_claim"},
		{plain, sub(`true`), "bad_claim"},
		{plain, sub(`["a"]`), "bad_claim"},
		{plain, sub(`null`), "missing_claim"},
		{plain, sub(`"\ud800"`), "bad_claim"},
		{plain, sub("\"\xff\""), "bad_claim"},
		{plain, sub(`"\ud83d\ude00"`), ""},

		// So is what is put into patterns.
		{orgs, org(`"acme"`), ""},
		{orgs, org(`"acme-eu"`), "bad_claim"},
		{orgs, org(`"acme_eu"`), ""},
		{orgs, org(`""`), "bad_claim"},
		{orgs, org(`1`), "bad_claim"},
		{orgs, org(`1.0`), "bad_claim"},
		{orgs, org(`1e0`), "bad_claim"},
		{orgs, org(`true`), "bad_claim"},
		{orgs, org(`{}`), "bad_claim"},
		{orgs, org(`null`), "missing_claim"},
		{numbers, org(`9007199254740993`), ""},
		{numbers, org(`123456789012345678901234567890`), ""},
		{numbers, org(`0`), ""},
		{numbers, org(`-0`), "bad_claim"},
		{numbers, org(`-1`), "bad_claim"},
		{numbers, org(`1.0`), "bad_claim"},
		{numbers, org(`1e2`), "bad_claim"},
		{numbers, org(`1E999999999`), "bad_claim"},
		{numbers, org(`"1"`), "bad_claim"},
		{numbers, org(`null`), "missing_claim"},
		{slugs, sub(`"` + strings.Repeat("a", 59) + `"`), ""},
		{slugs, sub(`"` + strings.Repeat("a", 60) + `"`), "bad_claim"},
		{slugs, sub(`"` + strings.Repeat("|", 21) + `"`), "bad_claim"},
		{slugs, sub(`"` + strings.Repeat("a", 65) + `"`), "bad_claim"},
		{jwtauth.Config{Secret: secret, Databases: []string{"{sub:slug}"}}, sub(`"Alice"`), "bad_claim"},

		// The claims are one object.
		{plain, `{"sub":"a","db":"notes",` + times + `}{}`, "malformed_token"},
		{plain, `["sub"]`, "malformed_token"},
		{plain, `null`, "missing_claim"},
		{plain, `{"sub":"a","Sub":"b","db":"notes",` + times + `}`, ""},
	} {
		_, err := newAuthorizer(t, c.config).Check(t.Context(), signText(t, c.claims))
		if got := codeOf(t, err); got != c.want {
			t.Errorf("%s: %q (%v), want %q", c.claims, got, err, c.want)
		}
	}
}

// TestRefusalsNameTheFix checks what an operator reads in the log.
func TestRefusalsNameTheFix(t *testing.T) {
	for _, c := range []struct {
		template string
		claims   jwt.MapClaims
		want     string
	}{
		{"user-{sub}", with("sub", 7), "have it issued in quotes"},
		{"team-{org}", with("org", 7), "write {org:number} in --jwt-databases"},
		{"team-{org}-*", with("org", "acme-eu"), `free of "-", which separates it in the pattern team-{org}-*`},
		{"user-{sub}", with("sub", "auth0|123"), `it allows ["user-auth0|123"], and no database can be called so`},
	} {
		a := newAuthorizer(t, jwtauth.Config{Secret: secret, Databases: []string{c.template}})
		rights, err := a.Check(t.Context(), sign(t, jwt.SigningMethodHS256, secret, c.claims))
		if err == nil {
			err = rights.Open("default")
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want one with %q", c.template, err, c.want)
		}
	}
}

// changed returns a token with the claims of another one.
func changed(token, other string) string {
	a, b := strings.Split(token, "."), strings.Split(other, ".")
	return strings.Join([]string{a[0], b[1], a[2]}, ".")
}

func TestDatabases(t *testing.T) {
	for _, c := range []struct {
		templates []string
		claims    jwt.MapClaims
		allowed   string
		refused   string
	}{
		{nil, with("db", "notes"), "notes", "note notes2"},
		{nil, with("db", []any{"a", "team-*"}), "a team- team-x", "b team xteam-"},
		{nil, with("db", "*"), "a b", ""},
		{nil, with("db", "a*b*c"), "abc axbxc abbcc", "ab ac axc abcd"},
		{nil, with("db", "ab*ba"), "abba abxba", "aba"},
		{nil, with("db", []any{}), "", "a"},
		{nil, with("db", "{sub}"), "", "alice"},
		{[]string{"user-{sub}", "shared"}, with("db", "*"), "user-alice shared", "user-bob notes"},
		{[]string{"user-{sub}"}, with("sub", "*"), "", "user-alice user-"},
		{[]string{"user-{sub}"}, with("sub", "{org}", "org", "x"), "", "user-x"},
		{[]string{"{org}-{sub}-*"}, with("org", "12"), "12-alice-x", "1-alice-x"},
		{[]string{"{org:number}-{sub}-*"}, with("org", 12), "12-alice-x", "1-alice-x"},
		{[]string{"team-{https://example.com/org}"}, with("https://example.com/org", "x"), "team-x", "team-y"},
		{[]string{"team-{custom:org:}"}, with("custom:org", "x"), "team-x", "team-y"},
		{[]string{"team-{custom:org:slug}"}, with("custom:org", "x-Y"), "team-x_2d_59", "team-x-Y team-x-y"},
		{[]string{"user-{sub}"}, with("sub", "auth0|123"), "", "user-auth0 user-auth0_7c123"},
		{[]string{"user-{sub:slug}"}, with("sub", "auth0|123"), "user-auth0_7c123", "user-auth0 user-auth0-123"},
		{[]string{"user-{sub:slug}-*"}, with("sub", "a-b"), "user-a_2db-x", "user-a-b-x user-a-x"},
		{[]string{"{sub:slug}"}, with("sub", "a_b"), "a_5fb", "a_b"},
	} {
		a := newAuthorizer(t, jwtauth.Config{Secret: secret, Databases: c.templates})
		rights, err := a.Check(t.Context(), sign(t, jwt.SigningMethodHS256, secret, c.claims))
		if err != nil {
			t.Errorf("%v %v: %v", c.templates, c.claims, err)
		}
		for _, name := range strings.Fields(c.allowed) {
			if rights.Open(name) != nil {
				t.Errorf("%v %v do not allow %s", c.templates, c.claims, name)
			}
		}
		for _, name := range strings.Fields(c.refused) {
			if rights.Open(name) == nil {
				t.Errorf("%v %v allow %s", c.templates, c.claims, name)
			}
		}
	}
}

func TestConfigurationErrors(t *testing.T) {
	for _, c := range []struct {
		config jwtauth.Config
		want   string
	}{
		{jwtauth.Config{}, "give one of them"},
		{jwtauth.Config{Secret: secret, Keys: []any{public(t, "RSA")}}, "give one of them"},
		{jwtauth.Config{Secret: secret[:31]}, "openssl rand"},
		{jwtauth.Config{Secret: secret, Databases: []string{"user-{sub"}}, "user-{sub}"},
		{jwtauth.Config{Secret: secret, Databases: []string{"user-}sub{"}}, "user-{sub}"},
		{jwtauth.Config{Secret: secret, Databases: []string{"{a*}"}}, "user-{sub}"},
		{jwtauth.Config{Secret: secret, Databases: []string{"{}"}}, "without a name"},
		{jwtauth.Config{Secret: secret, Databases: []string{"user-{:slug}"}}, "without a name"},
		{jwtauth.Config{Secret: secret, Databases: []string{"user-{sub:foo}"}}, `unknown escape "foo": there are slug and number, and a claim whose name has a colon is written {sub:foo:}`},
		{jwtauth.Config{Secret: secret, Databases: []string{"{a}{b}"}}, "nothing between the claim a"},
		{jwtauth.Config{Secret: secret, Databases: []string{"team-{org}*"}}, "nothing between the claim org"},
		{jwtauth.Config{Secret: secret, Databases: []string{"*{org}"}}, "nothing between the claim org"},
		{jwtauth.Config{Secret: secret, Databases: []string{"a-*-{org}-*"}}, "between two stars"},
		{jwtauth.Config{Secret: secret, Databases: []string{"user_{sub:slug}_*"}}, "separate it with a -"},
		{jwtauth.Config{Secret: secret, Databases: []string{"User-{sub}"}}, "1 to 64 characters from a-z"},
		{jwtauth.Config{Secret: secret, Databases: []string{"-{sub}"}}, "1 to 64 characters from a-z"},
		{jwtauth.Config{Secret: secret, Databases: []string{""}}, "1 to 64 characters from a-z"},
		{jwtauth.Config{Secret: secret, Databases: []string{strings.Repeat("a", 64) + "{sub}"}}, "1 to 64 characters from a-z"},
	} {
		if _, err := jwtauth.New(c.config); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want one with %q", c.config, err, c.want)
		}
	}
}

func TestParseKeys(t *testing.T) {
	both := append(inPEM(t, public(t, "RSA")), inPEM(t, public(t, "Ed25519"))...)
	keys, err := jwtauth.ParseKeys(both)
	if err != nil || len(keys) != 2 {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	a := newAuthorizer(t, jwtauth.Config{Keys: keys})
	for _, token := range []string{
		sign(t, jwt.SigningMethodRS256, signers()["RSA"], good()),
		sign(t, jwt.SigningMethodEdDSA, signers()["Ed25519"], good()),
	} {
		if _, err := a.Check(t.Context(), token); err != nil {
			t.Error(err)
		}
	}
	for text, want := range map[string]string{
		"":                                     "no key in PEM form",
		"hello":                                "no key in PEM form",
		privateKey(t):                          "give the public one",
		"-----BEGIN X-----\n-----END X-----\n": "neither a public key",
	} {
		if _, err := jwtauth.ParseKeys([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want one with %q", text, err, want)
		}
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/rs/zerolog"

	"syncabled/revlog"
	"syncabled/server"
	"syncabled/server/jwtauth"
)

// tokenCommand makes and checks tokens.
type tokenCommand struct {
	Mint  mintCommand  `cmd:"" default:"withargs" help:"Print a token that is signed with the secret of the server (the default)."`
	Check checkCommand `cmd:"" help:"Say what a token allows, or why it is refused."`
}

// mintCommand makes a token, for development and for scripts.
type mintCommand struct {
	JWTSecret string            `name:"jwt-secret" placeholder:"TEXT" help:"Secret of the server; better is the variable SYNCABLED_JWT_SECRET."`
	Sub       string            `required:"" placeholder:"NAME" help:"Whom the token is for."`
	DB        []databasePattern `name:"db" placeholder:"PATTERN" help:"Databases that it opens: notes, team-*. Without it, those that the server makes of other claims."`
	Access    string            `default:"write" enum:"read,write" placeholder:"read|write" help:"What it may do there (${default})."`
	TTL       span              `name:"ttl" default:"1h" placeholder:"TIME" help:"How long it is valid (${default})."`
	Audience  string            `name:"jwt-audience" placeholder:"TEXT" help:"The claim aud; the server may require one."`
	Claim     []claim           `sep:"none" placeholder:"NAME=VALUE" help:"A further claim; the flag may be given several times. A value that is JSON is taken as such: orgs='[\"a\",\"b\"]' is a list, and n=12 a number, but n='\"12\"' a string. Anything else is a string."`
}

var errNoSecret = errors.New("there is no secret to sign with: set SYNCABLED_JWT_SECRET to that of the server, such as one of: openssl rand -base64 32")

var errNoSubject = errors.New("--sub is empty, and the server refuses such tokens: name somebody")

// Run prints the token and nothing else.
func (c mintCommand) Run(w world) error {
	if c.JWTSecret == "" {
		return errNoSecret
	}
	if c.Sub == "" {
		return errNoSubject
	}
	if _, err := jwtauth.New(jwtauth.Config{Secret: []byte(c.JWTSecret)}); err != nil {
		return err
	}
	claims, err := c.claims(time.Now())
	if err != nil {
		return err
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(c.JWTSecret))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w.stdout, token)
	return err
}

// claims returns those of the flags, and the further ones, which may not replace them.
func (c mintCommand) claims(now time.Time) (jwt.MapClaims, error) {
	claims := jwt.MapClaims{"sub": c.Sub, "access": c.Access, "iat": now.Unix(), "exp": now.Add(time.Duration(c.TTL)).Unix()}
	if len(c.DB) > 0 {
		claims["db"] = c.DB
	}
	if c.Audience != "" {
		claims["aud"] = c.Audience
	}
	for _, further := range c.Claim {
		if _, ok := claims[further.name]; ok {
			return nil, fmt.Errorf("--claim %s: the token has this claim already, from another --claim or from --sub, --access, --ttl (iat, exp), --db or --jwt-audience (aud)", further.name)
		}
		claims[further.name] = further.value
	}
	return claims, nil
}

// A claim is a flag NAME=VALUE.
type claim struct {
	name  string
	value json.RawMessage
}

func (c *claim) UnmarshalText(text []byte) (err error) {
	name, value, ok := strings.Cut(string(text), "=")
	if !ok || name == "" {
		return fmt.Errorf("%q is no claim: give NAME=VALUE", text)
	}
	c.name, c.value = name, json.RawMessage(value)
	if !json.Valid(c.value) {
		c.value, err = json.Marshal(value)
	}
	return err
}

// checkCommand explains a token, with the settings that the server has.
type checkCommand struct {
	authFlags `embed:""`
	DB        databaseName `name:"db" placeholder:"NAME" help:"Database that it should open."`
	Token     string       `arg:"" optional:"" help:"The token; without it, it is read from the standard input."`
}

const longestToken = 64 << 10

// Run prints what the token allows. That it is refused is the error.
func (c checkCommand) Run(w world) error {
	if !c.isSet() {
		return errors.New("there is nothing to check tokens with: set SYNCABLED_JWT_SECRET, or give --jwt-key-file or --jwks-url, as for the server")
	}
	auth, err := c.authentication(zerolog.New(w.stderr), nil)
	if err != nil {
		return err
	}
	auth.fetch()
	if c.Token == "" {
		text, err := io.ReadAll(io.LimitReader(w.stdin, longestToken))
		if err != nil {
			return err
		}
		c.Token = string(bytes.TrimSpace(text))
	}
	rights, err := auth.authorizer.Check(w.ctx, c.Token)
	if err == nil && c.DB != "" {
		err = rights.Open(string(c.DB))
	}
	var refusal *server.Refusal
	if errors.As(err, &refusal) {
		return fmt.Errorf("refused with %d %s: %w", refusal.Status, refusal.Code, err)
	}
	if err != nil {
		return err
	}
	for _, pattern := range rights.Impossible {
		// As a name: a * in it may be that of a claim, which stands for nothing else.
		fmt.Fprintf(w.stderr, "syncabled: %v\n", revlog.CheckName(pattern))
	}
	if len(rights.Impossible) > 0 && len(c.JWTDatabases) > 0 {
		fmt.Fprintln(w.stderr, "syncabled: in --jwt-databases, {sub:slug} makes such a name of any sub")
	}
	if len(rights.Impossible) == len(rights.Databases) {
		return errors.New("the token opens no database")
	}
	access := "read and write"
	if rights.ReadOnly {
		access = "read"
	}
	_, err = fmt.Fprintf(w.stdout, "%s may %s %s until %s\n", rights.Subject, access,
		strings.Join(rights.Databases, ", "), rights.Expires.UTC().Format(time.RFC3339))
	return err
}

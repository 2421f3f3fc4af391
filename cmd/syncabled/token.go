package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/rs/zerolog"

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
	DB        []string          `name:"db" placeholder:"PATTERN" help:"Databases that it opens: notes, team-*. Without it, those that the server makes of other claims."`
	Access    string            `default:"write" enum:"read,write" placeholder:"read|write" help:"What it may do there (${default})."`
	TTL       span              `name:"ttl" default:"1h" placeholder:"TIME" help:"How long it is valid (${default})."`
	Audience  string            `name:"jwt-audience" placeholder:"TEXT" help:"The claim aud; the server may require one."`
	Claim     map[string]string `placeholder:"NAME=TEXT" help:"Further claims."`
}

var errNoSecret = errors.New("there is no secret to sign with: set SYNCABLED_JWT_SECRET to that of the server, such as one of: openssl rand -base64 32")

// Run prints the token and nothing else.
func (c mintCommand) Run(w world) error {
	if c.JWTSecret == "" {
		return errNoSecret
	}
	if _, err := jwtauth.New(jwtauth.Config{Secret: []byte(c.JWTSecret)}); err != nil {
		return err
	}
	now := time.Now()
	claims := jwt.MapClaims{}
	for name, value := range c.Claim {
		claims[name] = value
	}
	claims["sub"], claims["access"] = c.Sub, c.Access
	claims["iat"], claims["exp"] = now.Unix(), now.Add(time.Duration(c.TTL)).Unix()
	if len(c.DB) > 0 {
		claims["db"] = c.DB
	}
	if c.Audience != "" {
		claims["aud"] = c.Audience
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(c.JWTSecret))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w.stdout, token)
	return err
}

// checkCommand explains a token, with the settings that the server has.
type checkCommand struct {
	authFlags `embed:""`
	DB        string `name:"db" placeholder:"NAME" help:"Database that it should open."`
	Token     string `arg:"" optional:"" help:"The token; without it, it is read from the standard input."`
}

const longestToken = 64 << 10

// Run prints what the token allows. That it is refused is the error.
func (c checkCommand) Run(w world) error {
	if !c.isSet() {
		return errors.New("there is nothing to check tokens with: set SYNCABLED_JWT_SECRET, or give --jwt-key-file or --jwks-url, as for the server")
	}
	authorizer, err := c.authorizer(zerolog.New(w.stderr))
	if err != nil {
		return err
	}
	if c.Token == "" {
		text, err := io.ReadAll(io.LimitReader(w.stdin, longestToken))
		if err != nil {
			return err
		}
		c.Token = string(bytes.TrimSpace(text))
	}
	rights, err := authorizer.Check(w.ctx, c.Token)
	if err == nil && c.DB != "" {
		err = rights.Open(c.DB)
	}
	var refusal *server.Refusal
	if errors.As(err, &refusal) {
		return fmt.Errorf("refused with %d %s: %w", refusal.Status, refusal.Code, err)
	}
	if err != nil {
		return err
	}
	access := "read and write"
	if rights.ReadOnly {
		access = "read"
	}
	_, err = fmt.Fprintf(w.stdout, "%s may %s %s until %s\n", rights.Subject, access,
		strings.Join(rights.Databases, ", "), rights.Expires.UTC().Format(time.RFC3339))
	return err
}

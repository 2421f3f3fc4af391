package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"syncabled/server"
	"syncabled/server/jwtauth"
)

// authFlags say whose tokens are accepted.
type authFlags struct {
	JWTSecret      string   `name:"jwt-secret" secret:"" group:"Authentication:" placeholder:"TEXT" help:"Secret that tokens are signed with (HS256, HS384, HS512), 32 bytes or more. Everybody on the machine sees the flag; better is the variable SYNCABLED_JWT_SECRET."`
	JWTKeyFile     string   `name:"jwt-key-file" group:"Authentication:" type:"existingfile" placeholder:"FILE" help:"PEM file of the public keys, or certificates, that go with the keys that tokens are signed with (RS, PS, ES, EdDSA)."`
	JWKSURL        string   `name:"jwks-url" secret:"url" group:"Authentication:" placeholder:"URL" help:"Where an identity provider publishes its keys. They are fetched when they are needed."`
	JWTAudience    string   `name:"jwt-audience" group:"Authentication:" placeholder:"TEXT" help:"What the claim aud of a token has to name."`
	JWTMaxLifetime span     `name:"jwt-max-lifetime" group:"Authentication:" placeholder:"TIME" help:"Longest time from iat to exp of a token (any)."`
	JWTCookie      string   `name:"jwt-cookie" group:"Authentication:" placeholder:"NAME" help:"Cookie that may hold the token: the way for browsers."`
	JWTDatabases   []string `name:"jwt-databases" group:"Authentication:" placeholder:"PATTERN" help:"Databases that a token opens, made of its claims, instead of the claim db: user-{sub}, team_{org}_*, user-{sub:slug}."`
}

const keyFileFlag = "jwt-key-file"

// isAuthFlag reports whether a flag is one of them.
func isAuthFlag(name string) bool { return strings.HasPrefix(name, "jwt-") || name == "jwks-url" }

func (f authFlags) isSet() bool { return f.JWTSecret != "" || f.JWTKeyFile != "" || f.JWKSURL != "" }

// An authentication is what the flags say, ready for use.
type authentication struct {
	flags      authFlags
	config     jwtauth.Config
	authorizer *jwtauth.Authorizer
}

// authentication returns what the flags say, nil if they say nothing. The key set of
// the one before, which may be nil, stays in use if it is that of the same URL.
func (f authFlags) authentication(logger zerolog.Logger, before *authentication) (*authentication, error) {
	if !f.isSet() {
		return nil, f.checkUnused()
	}
	config := jwtauth.Config{
		Secret:      []byte(f.JWTSecret),
		Audience:    f.JWTAudience,
		MaxLifetime: time.Duration(f.JWTMaxLifetime),
		Cookie:      f.JWTCookie,
		Databases:   f.JWTDatabases,
	}
	if f.JWTKeyFile != "" {
		text, err := os.ReadFile(f.JWTKeyFile)
		if err != nil {
			return nil, err
		}
		if config.Keys, err = jwtauth.ParseKeys(text); err != nil {
			return nil, fmt.Errorf("--jwt-key-file %s: %w", f.JWTKeyFile, err)
		}
	}
	switch {
	case f.JWKSURL == "":
	case before != nil && before.flags.JWKSURL == f.JWKSURL:
		config.JWKS = before.config.JWKS
	default:
		var err error
		config.JWKS, err = jwtauth.NewJWKS(f.JWKSURL, func(err error) { logger.Error().Err(err).Msg("keys of tokens") })
		if err != nil {
			return nil, fmt.Errorf("--jwks-url: %w", err)
		}
	}
	authorizer, err := jwtauth.New(config)
	if err != nil {
		return nil, fmt.Errorf("authentication (--jwt-secret, --jwt-key-file, --jwks-url, --jwt-databases): %w", err)
	}
	return &authentication{f, config, authorizer}, nil
}

// fetch fetches the keys of a URL. It reports whether there are any then, which is the
// case for keys from elsewhere.
func (a *authentication) fetch() bool {
	return a.config.JWKS == nil || a.config.JWKS.Fetch(context.Background())
}

// checkUnused says that flags are set that do nothing. Who sets them means to be safe.
func (f authFlags) checkUnused() error {
	if f.JWTAudience != "" || f.JWTMaxLifetime != 0 || f.JWTCookie != "" || len(f.JWTDatabases) > 0 {
		return errors.New("there are settings for tokens, but nothing to check them with: set SYNCABLED_JWT_SECRET, or give --jwt-key-file or --jwks-url")
	}
	return nil
}

// checkAccess returns the authentication, nil if there is none, unless that and the
// other settings of who may connect do not go together.
func (c serveCommand) checkAccess(logger zerolog.Logger, config string, before *authentication) (*authentication, error) {
	if err := c.checkExposure(config); err != nil {
		return nil, err
	}
	return c.authentication(logger, before)
}

// checkExposure refuses what would give everybody what is not for everybody: files of
// --static, or what pages may do with a cookie.
func (c serveCommand) checkExposure(config string) error {
	if err := c.checkStatic(config); err != nil {
		return err
	}
	return c.checkOrigins(c.AllowOrigin)
}

// checkOrigins refuses to let every page use a cookie. The check of origins is all
// that keeps the page of somebody else from using it.
func (f authFlags) checkOrigins(patterns []originPattern) error {
	if f.JWTCookie == "" {
		return nil
	}
	for _, pattern := range patterns {
		if server.AllowsAnyOrigin(string(pattern)) {
			return fmt.Errorf("--allow-origin %q with --jwt-cookie lets every page on the web act for your users: name your own pages, such as https://app.example.com", pattern)
		}
	}
	return nil
}

// checkOpen refuses to serve everybody who can reach an address.
func (c serveCommand) checkOpen(addr net.Addr) error {
	tcp, ok := addr.(*net.TCPAddr)
	if c.isSet() || c.InsecureOpen || ok && tcp.IP.IsLoopback() {
		return nil
	}
	return fmt.Errorf("whoever reaches %s could read and change everything, because there is no authentication: set SYNCABLED_JWT_SECRET (docs/authentication.md), listen on 127.0.0.1, or say --insecure-open", addr)
}

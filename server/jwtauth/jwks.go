package jwtauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/sync/singleflight"

	"syncabled/server"
)

// A JWKS is a JSON Web Key Set (RFC 7517) at a URL. It is fetched when it is
// needed: at first, when it is an hour old, and for a token with a key that it does
// not have, but not at once again: a minute after it was fetched, and after an error
// later from time to time. Between errors the keys that it had before are good.
//
// No goroutine of its own fetches it: whoever needs it waits for it.
type JWKS struct {
	url    string
	client *http.Client
	report func(error) // of what went wrong
	flight singleflight.Group

	// Guarded by mu.
	mu      sync.Mutex
	set     keyfunc.Keyfunc // nil until it was fetched
	fetched time.Time
	again   time.Time // when it may be fetched again
	delay   time.Duration
}

const (
	jwksAge      = time.Hour
	jwksPause    = time.Minute
	shortestWait = time.Second // after an error; it doubles
	longestWait  = 5 * time.Minute
	jwksTimeout  = 5 * time.Second
	longestJWKS  = 1 << 20 // bytes
)

// NewJWKS returns the key set at a URL, which is of https, or of this machine.
// Trouble with fetching it is reported.
func NewJWKS(rawURL string, report func(error)) (*JWKS, error) {
	u, err := url.Parse(rawURL)
	switch {
	case err != nil:
		return nil, err
	case u.Scheme == "https" && u.Host != "", u.Scheme == "http" && server.IsLocalhost(u.Hostname()):
		return &JWKS{url: rawURL, client: &http.Client{Timeout: jwksTimeout}, report: report}, nil
	}
	return nil, fmt.Errorf("%q is no URL of https: without it, anybody on the way could put in keys of his own", rawURL)
}

// keys returns the keys that a token may be signed with: the one that it names, or,
// if it names none, all of them. The error is a refusal.
func (j *JWKS) keys(ctx context.Context, t *jwt.Token, now time.Time) ([]any, error) {
	set, isOld := j.present(now)
	if isOld {
		set = j.refresh(ctx, now)
	}
	if set == nil {
		return nil, refuse(keysUnavailable)
	}
	kid, named := t.Header["kid"].(string)
	if !named {
		return all(ctx, set, t)
	}
	key, err := set.KeyfuncCtx(ctx)(t)
	if errors.Is(err, jwkset.ErrKeyNotFound) {
		key, err = j.refresh(ctx, now).KeyfuncCtx(ctx)(t)
	}
	switch {
	case errors.Is(err, jwkset.ErrKeyNotFound):
		return nil, refuse(unknownKey, kid)
	case err != nil:
		return nil, refuse(algNotAllowed, t.Method.Alg(), "the one that the key is published for")
	}
	return []any{key}, nil
}

// present returns the set as it was fetched last, and whether that was long ago.
func (j *JWKS) present(now time.Time) (set keyfunc.Keyfunc, isOld bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.set, j.set == nil || now.Sub(j.fetched) >= jwksAge
}

// all returns the keys that are for the algorithm of a token, or for any.
func all(ctx context.Context, set keyfunc.Keyfunc, t *jwt.Token) ([]any, error) {
	published, err := set.Storage().KeyReadAll(ctx)
	if err != nil {
		return nil, err
	}
	var keys []any
	for _, key := range published {
		if alg := key.Marshal().ALG.String(); alg == "" || alg == t.Method.Alg() {
			keys = append(keys, key.Key())
		}
	}
	return keys, nil
}

// Fetch fetches the set, unless that was done, or tried, just now. Trouble is
// reported.
func (j *JWKS) Fetch(ctx context.Context) { j.refresh(ctx, time.Now()) }

// refresh does so, and returns the set that there is then.
func (j *JWKS) refresh(ctx context.Context, now time.Time) keyfunc.Keyfunc {
	_, _, _ = j.flight.Do("", func() (any, error) {
		if j.isDue(now) {
			set, err := j.fetch(ctx)
			j.note(set, err, now)
		}
		return nil, nil
	})
	set, _ := j.present(now)
	return set
}

func (j *JWKS) isDue(now time.Time) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return !now.Before(j.again)
}

func (j *JWKS) note(set keyfunc.Keyfunc, err error, now time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err == nil {
		j.set, j.fetched, j.again, j.delay = set, now, now.Add(jwksPause), 0
		return
	}
	j.delay = min(max(2*j.delay, shortestWait), longestWait)
	j.again = now.Add(j.delay)
	j.report(fmt.Errorf("fetch keys from %s: %w; next try in %v", j.url, err, j.delay))
}

func (j *JWKS) fetch(ctx context.Context) (keyfunc.Keyfunc, error) {
	// Who asked may go away; the others that wait need the set all the same.
	request, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodGet, j.url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	response, err := j.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the answer is %s", response.Status)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, longestJWKS))
	if err != nil {
		return nil, err
	}
	return parseJWKS(ctx, text)
}

// parseJWKS takes the public keys of a set that are for signatures. A set may hold
// others, too, which are left out; a secret has no place where everybody can read it.
func parseJWKS(ctx context.Context, text []byte) (keyfunc.Keyfunc, error) {
	var published jwkset.JWKSMarshal
	if err := json.Unmarshal(text, &published); err != nil {
		return nil, fmt.Errorf("no JSON Web Key Set: %w", err)
	}
	storage := jwkset.NewMemoryStorage()
	n := 0
	for _, marshal := range published.Keys {
		if marshal.USE != "" && marshal.USE != jwkset.UseSig {
			continue
		}
		key, err := jwkset.NewJWKFromMarshal(marshal, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
		if err != nil || checkKey(key.Key()) != nil {
			continue
		}
		if err := storage.KeyWrite(ctx, key); err != nil {
			return nil, err
		}
		n++
	}
	if n == 0 {
		return nil, errors.New("the set has no public key for signatures")
	}
	return keyfunc.New(keyfunc.Options{Storage: storage})
}

package jwtauth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/sync/singleflight"
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
	set     []publishedKey // nil until it was fetched
	fetched time.Time
	again   time.Time // when it may be fetched again
	delay   time.Duration
	leftOut string // what was reported last of keys that cannot be used
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
	case err != nil: // which quotes the URL, with its password
		return nil, errors.New("it is not a URL: a password in one has to be percent-encoded")
	case !mayHaveKeys(u):
		return nil, fmt.Errorf("%q is no URL of https: without it, anybody on the way could put in keys of his own", RedactURL(rawURL))
	}
	client := &http.Client{Timeout: jwksTimeout, CheckRedirect: checkRedirect}
	return &JWKS{url: rawURL, client: client, report: report}, nil
}

// keys returns the keys that a token may be signed with: those with the name that it
// gives, or, if it gives none, all of them. The error is a refusal.
func (j *JWKS) keys(ctx context.Context, t *jwt.Token, now time.Time) ([]verifier, error) {
	set, isOld := j.present(now)
	if isOld {
		set = j.refresh(ctx, now)
	}
	if set == nil {
		return nil, refuse(keysUnavailable)
	}
	kid, hasKid := t.Header["kid"].(string)
	if !hasKid {
		return verifiers(set, func(publishedKey) bool { return true }), nil
	}
	isNamed := func(key publishedKey) bool { return key.kid == kid }
	named := verifiers(set, isNamed)
	if named == nil {
		named = verifiers(j.refresh(ctx, now), isNamed)
	}
	if named == nil {
		return nil, refuse(unknownKey, kid)
	}
	return named, nil
}

func verifiers(set []publishedKey, isMeant func(publishedKey) bool) []verifier {
	var list []verifier
	for _, key := range set {
		if isMeant(key) {
			list = append(list, key.verifier)
		}
	}
	return list
}

// present returns the set as it was fetched last, and whether that was long ago.
func (j *JWKS) present(now time.Time) (set []publishedKey, isOld bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.set, j.set == nil || now.Sub(j.fetched) >= jwksAge
}

// Fetch fetches the set, unless that was done, or tried, just now. It returns whether
// there is one then. Trouble is reported.
func (j *JWKS) Fetch(ctx context.Context) bool { return j.refresh(ctx, time.Now()) != nil }

// refresh does so, and returns the set that there is then.
func (j *JWKS) refresh(ctx context.Context, now time.Time) []publishedKey {
	_, _, _ = j.flight.Do("", func() (any, error) {
		if j.isDue(now) {
			set, leftOut, err := j.fetch(ctx)
			j.note(set, err, now)
			j.noteLeftOut(leftOut)
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

func (j *JWKS) note(set []publishedKey, err error, now time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err == nil {
		j.set, j.fetched, j.again, j.delay = set, now, now.Add(jwksPause), 0
		return
	}
	j.delay = min(max(2*j.delay, shortestWait), longestWait)
	j.again = now.Add(j.delay)
	j.report(fmt.Errorf("fetch keys from %s: %w; next try in %v", RedactURL(j.url), err, j.delay))
}

// noteLeftOut reports keys that cannot be used, unless they are those of the last report.
func (j *JWKS) noteLeftOut(leftOut error) {
	if leftOut == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if text := leftOut.Error(); text != j.leftOut {
		j.leftOut = text
		j.report(fmt.Errorf("fetch keys from %s: %w", RedactURL(j.url), leftOut))
	}
}

func (j *JWKS) fetch(ctx context.Context) (keys []publishedKey, leftOut, err error) {
	// Who asked may go away; the others that wait need the set all the same.
	request, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodGet, j.url, nil)
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	response, err := j.client.Do(request)
	if err != nil {
		return nil, nil, withoutURL(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("the answer is %s", response.Status)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, longestJWKS+1))
	switch {
	case err != nil:
		return nil, nil, withoutURL(err)
	case len(text) > longestJWKS:
		return nil, nil, fmt.Errorf("the set has more than %d bytes", longestJWKS)
	}
	return parseJWKS(text)
}

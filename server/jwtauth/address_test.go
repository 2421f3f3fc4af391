package jwtauth_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"syncabled/server/jwtauth"
)

func TestJWKSAddress(t *testing.T) {
	for url, good := range map[string]bool{
		"https://id.example.com/keys": true,
		"http://127.0.0.1:9/keys":     true,
		"http://localhost/keys":       true,
		"http://id.example.com/keys":  false,
		"file:///etc/keys":            false,
		"https:///keys":               false,
		"keys":                        false,
	} {
		if _, err := jwtauth.NewJWKS(url, nil); (err == nil) != good {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// A crossroads redirects /to?URL, and has a key set at /keys, by https and by http.
// Whatever the host of a URL, it leads here.
type crossroads struct {
	transport *http.Transport
	asked     []string // hosts of those who had to do with keys
}

func newCrossroads(t *testing.T) *crossroads {
	t.Helper()
	c := &crossroads{}
	set, err := json.Marshal(map[string]any{"keys": []any{rsaJWK(t, "RSA", "one")}})
	if err != nil {
		t.Fatal(err)
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if referer := r.Referer(); referer != "" {
			t.Errorf("%s was told of %s", r.Host, referer)
		}
		switch r.URL.Path {
		case "/to":
			to, _ := url.QueryUnescape(r.URL.RawQuery)
			http.Redirect(w, r, to, http.StatusFound)
		case "/keys":
			c.asked = append(c.asked, r.Host)
			_, _ = w.Write(set)
		}
	})
	secure, plain := httptest.NewTLSServer(handler), httptest.NewServer(handler)
	t.Cleanup(secure.Close)
	t.Cleanup(plain.Close)
	c.transport = &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			to := plain.Listener.Addr()
			if strings.HasSuffix(address, ":443") {
				to = secure.Listener.Addr()
			}
			return new(net.Dialer).DialContext(ctx, network, to.String())
		},
	}
	t.Cleanup(c.transport.CloseIdleConnections)
	return c
}

// to returns a URL that redirects over others.
func to(urls ...string) string {
	at := urls[len(urls)-1]
	for i := len(urls) - 2; i >= 0; i-- {
		at = urls[i] + "/to?" + url.QueryEscape(at)
	}
	return at
}

func TestJWKSRedirects(t *testing.T) {
	c := newCrossroads(t)
	five := []string{"https://a.test", "https://b.test", "https://c.test", "https://d.test", "https://e.test", "https://f.test/keys"}
	for _, test := range []struct {
		url  string
		want string // in the error; "" is none
	}{
		{to("https://a.test", "https://b.test/keys"), ""},
		{to("http://localhost", "http://127.0.0.1/keys"), ""},
		{to("http://localhost", "https://a.test/keys"), ""},
		{to("https://localhost", "https://127.0.0.1/keys"), ""},
		{to(five...), ""},
		{to(append([]string{"https://g.test"}, five...)...), "more than 5 redirects"},
		{to("https://a.test", "http://b.test/keys"), "a redirect to http://b.test"},
		{to("https://a.test", "https://b.test", "http://b.test/keys"), "a redirect to http://b.test"},
		{to("https://a.test", "http://localhost/keys"), "a redirect to http://localhost"},
		{to("https://a.test", "https://localhost/keys"), "a redirect to https://localhost"},
		{to("https://a.test", "https://[::1]/keys"), "a redirect to https://[::1]"},
		{to("http://localhost", "http://b.test/keys"), "a redirect to http://b.test"},
		{to("https://localhost", "http://localhost/keys"), "a redirect to http://localhost"},
		{to("https://a.test", "file:///keys"), "a redirect to file://"},
	} {
		var errs []error
		jwks, err := jwtauth.NewJWKS(test.url, func(err error) { errs = append(errs, err) })
		if err != nil {
			t.Fatal(err)
		}
		jwks.Transport(c.transport)
		c.asked = nil
		hasKeys := jwks.Fetch(t.Context())
		if hasKeys != (test.want == "") || hasKeys != (len(c.asked) == 1) || !strings.Contains(fmt.Sprint(errs), test.want) {
			t.Errorf("%s: %v, keys of %q, want an error with %q", test.url, errs, c.asked, test.want)
		}
	}
}

// What is in the URL beside a host and a path may be secret.
func TestRedactURL(t *testing.T) {
	for raw, want := range map[string]string{
		"https://id.example.com/keys":                       "https://id.example.com/keys",
		"https://id.example.com:8443/a/b%20c":               "https://id.example.com:8443/a/b%20c",
		"https://user:hunter2@id.example.com/keys":          "https://xxxxx@id.example.com/keys",
		"https://hunter2@id.example.com/keys":               "https://xxxxx@id.example.com/keys",
		"https://user:hun@ter2@id.example.com/keys":         "https://xxxxx@id.example.com/keys",
		"https://id.example.com/keys?token=hunter2&a=b#end": "https://id.example.com/keys?xxxxx",
		"https://id.example.com/keys?hunter2":               "https://id.example.com/keys?xxxxx",
		"https://id.example.com/keys#hunter2":               "https://id.example.com/keys",
		"https://user:hunter2%@id.example.com/keys":         "xxxxx",
		"https://user:hun/ter2@id.example.com/keys":         "xxxxx",
		"https://user:12/hunter2@id.example.com/keys":       "xxxxx",
		"https:/user:hunter2@id.example.com/keys":           "xxxxx",
		"https:user:hunter2@id.example.com/keys":            "xxxxx",
		"user:hunter2@id.example.com":                       "xxxxx",
	} {
		if got := jwtauth.RedactURL(raw); got != want {
			t.Errorf("%s is shown as %s, want %s", raw, got, want)
		}
	}
}

// No error has the password of the URL.
func TestJWKSErrorsHaveNoPassword(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	var errs []error
	report := func(err error) { errs = append(errs, err) }
	for _, raw := range []string{
		"http://user:hunter2@" + closed.Listener.Addr().String() + "/keys?token=hunter2",
		"http://user:hunter2@id.example.com/keys",
		"https://user:hunter2%@id.example.com/keys",
		"https://user:hunter2/@id.example.com/keys",
		"https:/user:hunter2@id.example.com/keys",
	} {
		jwks, err := jwtauth.NewJWKS(raw, report)
		if err == nil {
			jwks.Fetch(t.Context())
		} else {
			report(err)
		}
	}
	if len(errs) != 5 {
		t.Fatalf("%d errors, want 5: %v", len(errs), errs)
	}
	for _, err := range errs {
		if strings.Contains(err.Error(), "hunter2") {
			t.Error(err)
		}
	}
}

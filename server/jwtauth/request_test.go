package jwtauth_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"syncabled/server"
	"syncabled/server/jwtauth"
)

func TestAuthorize(t *testing.T) {
	a := newAuthorizer(t, jwtauth.Config{Secret: secret, Cookie: "session"})
	token := sign(t, jwt.SigningMethodHS256, secret, with("access", "read"))
	other := sign(t, jwt.SigningMethodHS256, secret, with("sub", "bob"))
	for _, c := range []struct {
		name   string
		path   string
		header http.Header
		want   string
	}{
		{"nothing", "/", nil, "missing_token"},
		{"header", "/", http.Header{"Authorization": {"Bearer " + token}}, ""},
		{"header of any case", "/", http.Header{"Authorization": {"bearer  " + token}}, ""},
		{"another scheme", "/", http.Header{"Authorization": {"Basic " + token}}, "missing_token"},
		{"cookie", "/", http.Header{"Cookie": {"a=b; session=" + token}}, ""},
		{"another cookie", "/", http.Header{"Cookie": {"token=" + token}}, "missing_token"},
		{"subprotocol", "/", http.Header{"Sec-Websocket-Protocol": {"syncabled, bearer." + token}}, ""},
		{"subprotocols in two lines", "/", http.Header{"Sec-Websocket-Protocol": {"syncabled", "bearer." + token}}, ""},
		{"subprotocol without a token", "/", http.Header{"Sec-Websocket-Protocol": {"syncabled, bearer."}}, "missing_token"},
		{"query", "/?token=" + token, nil, ""},
		{"the same twice", "/?token=" + token, http.Header{"Cookie": {"session=" + token}}, ""},
		{"two", "/?token=" + other, http.Header{"Cookie": {"session=" + token}}, "ambiguous_token"},
	} {
		r := httptest.NewRequest(http.MethodGet, c.path, nil)
		r.Header = c.header
		grant, err := a.Authorize(r, "notes")
		if got := codeOf(t, err); got != c.want {
			t.Errorf("%s: %q (%v), want %q", c.name, got, err, c.want)
		}
		want := server.Grant{Subject: "alice", ReadOnly: true, Expires: noon.Add(time.Hour + jwtauth.Tolerance)}
		if err == nil && (grant.Subject != want.Subject || !grant.ReadOnly || !grant.Expires.Equal(want.Expires)) {
			t.Errorf("%s: %+v, want %+v", c.name, grant, want)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/db/other?token="+token, nil)
	if _, err := a.Authorize(r, "other"); codeOf(t, err) != "database_not_allowed" {
		t.Errorf("another database: %v", err)
	}
}

// The server has to know of the cookie, because browsers send it for pages of others.
func TestCookieIsSeen(t *testing.T) {
	var a server.CookieAuthorizer = newAuthorizer(t, jwtauth.Config{Secret: secret, Cookie: "session"})
	var none server.CookieAuthorizer = newAuthorizer(t, jwtauth.Config{Secret: secret})
	for cookies, want := range map[string]bool{"session=x": true, "a=b; session=": true, "Session=x": false, "": false} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Cookie", cookies)
		if a.UsesCookie(r) != want || none.UsesCookie(r) {
			t.Errorf("cookies %q: %t, want %t; without --jwt-cookie %t", cookies, a.UsesCookie(r), want, none.UsesCookie(r))
		}
	}
}

// FuzzAuthorize checks that whatever comes in is let in or refused, and that only
// the one good token is let in.
func FuzzAuthorize(f *testing.F) {
	f.Add("Bearer x", "session=y", "bearer.z", "token=a.b.c")
	f.Add("Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.", "", "", "")
	f.Fuzz(func(t *testing.T, authorization, cookie, protocols, query string) {
		for _, text := range []*string{&authorization, &cookie, &protocols, &query} {
			*text = (*text)[:min(len(*text), 200)] // to minimise a long one would take most of the time
		}
		a := newAuthorizer(t, jwtauth.Config{Secret: secret, Cookie: "session"})
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header = http.Header{"Authorization": {authorization}, "Cookie": {cookie}, "Sec-Websocket-Protocol": {protocols}}
		r.URL.RawQuery = query
		if _, err := a.Authorize(r, "notes"); codeOf(t, err) == "" {
			t.Errorf("%v %s is let in", r.Header, query)
		}
	})
}

// TestReasonsAreDocumented compares the codes with the table of the handbook.
func TestReasonsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/authentication.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (\\d+) \\|").FindAllStringSubmatch(string(text), -1) {
		documented = append(documented, row[1]+" "+row[2])
	}
	if want := jwtauth.Codes(); !slices.Equal(documented, want) {
		t.Errorf("documented are\n%s\nwant\n%s", strings.Join(documented, "\n"), strings.Join(want, "\n"))
	}
}

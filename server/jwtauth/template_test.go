package jwtauth_test

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"pgregory.net/rapid"

	"syncabled/revlog"
	"syncabled/server/jwtauth"
)

// TestTemplatesKeepClaimsApart checks that tokens whose claims differ open no database
// in common, whatever the template. The values are made of the separators, so that
// many would meet if templates had no rules.
func TestTemplatesKeepClaimsApart(t *testing.T) {
	text := rapid.SampledFrom([]string{"-", "_", "--", "-_", "a", "a-a", ""})
	hole := rapid.SampledFrom([]string{"*", "*", "{x}", "{x}", "{x}", "{y}", "{x:slug}"})
	value := rapid.StringOfN(rapid.RuneFrom([]rune("a-_")), 1, 3, -1)
	compared := 0
	rapid.Check(t, func(t *rapid.T) {
		template := "a"
		for range rapid.IntRange(2, 3).Draw(t, "holes") {
			template += hole.Draw(t, "hole") + text.Draw(t, "text")
		}
		a, err := jwtauth.New(jwtauth.Config{Secret: secret, Databases: []string{template}, Now: atNoon})
		if err != nil {
			return
		}
		opened := map[string]string{} // by the claims that the template has
		for range 60 {
			claims := with("x", value.Draw(t, "x"), "y", value.Draw(t, "y"))
			token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(secret)
			if err != nil {
				t.Fatal(err)
			}
			if rights, err := a.Check(t.Context(), token); err == nil {
				opened[usedClaims(template, claims)] = rights.Databases[0]
			}
		}
		for claims, database := range opened {
			for otherClaims, other := range opened {
				if claims < otherClaims && meet(database, other) {
					t.Fatalf("%s: %s opens %s, and %s opens %s", template, claims, database, otherClaims, other)
				}
			}
		}
		compared += len(opened)
	})
	if compared < 100 {
		t.Errorf("%d tokens were compared, that is too few", compared)
	}
}

// usedClaims returns those of the claims x and y that a template has.
func usedClaims(template string, claims jwt.MapClaims) string {
	var used []string
	for _, name := range []string{"x", "y"} {
		if strings.Contains(template, "{"+name) {
			used = append(used, fmt.Sprintf("%s=%q", name, claims[name]))
		}
	}
	return strings.Join(used, " ")
}

// meet reports whether any text matches both of two patterns.
func meet(a, b string) bool {
	switch {
	case a == "" && b == "":
		return true
	case strings.HasPrefix(a, "*"):
		return meet(a[1:], b) || b != "" && meet(a, b[1:])
	case strings.HasPrefix(b, "*"):
		return meet(b, a)
	}
	return a != "" && b != "" && a[0] == b[0] && meet(a[1:], b[1:])
}

func TestMeet(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"a-*", "a-b-*", true}, {"a-*", "b-*", false}, {"*-a", "b-*", true}, {"a", "a", true},
		{"a", "ab", false}, {"*a*", "*b*", true}, {"a*a", "a", false}, {"", "*", true},
	} {
		if meet(c.a, c.b) != c.want || meet(c.b, c.a) != c.want {
			t.Errorf("%s meets %s: %v", c.a, c.b, !c.want)
		}
	}
}

// FuzzSlug checks that a slug can be read again, so that no two texts have the same
// one, and that behind a word it is the name of a database.
func FuzzSlug(f *testing.F) {
	for _, text := range []string{"alice", "auth0|123", "A_b-c", "é\x00\xff", "_5f", strings.Repeat("a", 64)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		slug := jwtauth.Slug(text)
		if got := unslug(t, slug); got != text {
			t.Errorf("%q has the slug %s, which is that of %q", text, slug, got)
		}
		if len(slug) < 60 && !revlog.ValidName("user"+slug) {
			t.Errorf("%q has the slug %s, which no database can have in its name", text, slug)
		}
		if strings.Contains(slug, "-") {
			t.Errorf("%q has the slug %s, with a separator in it", text, slug)
		}
	})
}

// unslug returns the text that a slug stands for.
func unslug(t *testing.T, slug string) string {
	var text strings.Builder
	for {
		plain, rest, found := strings.Cut(slug, "_")
		text.WriteString(plain)
		if !found {
			return text.String()
		}
		b, err := hex.DecodeString(rest[:2])
		if err != nil {
			t.Fatal(err)
		}
		text.Write(b)
		slug = rest[2:]
	}
}

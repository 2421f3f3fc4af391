package jwtauth

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"
)

// claims are the claims of a token, by name. Numbers keep their digits: as float64,
// whole numbers above 2^53 would become equal.
//
// It implements [jwt.Claims]. Errors of its methods are refusals.
type claims map[string]any

// UnmarshalJSON implements [json.Unmarshaler].
func (c *claims) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d.Decode((*map[string]any)(c))
}

func (c claims) GetExpirationTime() (*jwt.NumericDate, error) { return c.date("exp") }
func (c claims) GetNotBefore() (*jwt.NumericDate, error)      { return c.date("nbf") }
func (c claims) GetIssuedAt() (*jwt.NumericDate, error)       { return c.date("iat") }
func (c claims) GetIssuer() (string, error)                   { return "", nil } // nobody asks for it
func (c claims) GetSubject() (string, error)                  { return c.text("sub") }

// GetAudience implements [jwt.Claims]. A list without entries is as good as none.
func (c claims) GetAudience() (jwt.ClaimStrings, error) {
	if c["aud"] == nil {
		return nil, nil
	}
	list, ok := c.list("aud")
	if !ok {
		return nil, refuse(badClaim, "aud", "a string or a list of strings")
	}
	return list, nil
}

// The years 1 to 9999, in seconds since 1970. Times beyond them are taken for the
// first or the last of these seconds, which compares in the same way with any clock.
const (
	firstSecond = -62_135_596_800
	lastSecond  = 253_402_300_799
)

// date returns a time, nil if the claim is missing. A zero is a time: 1970.
func (c claims) date(name string) (*jwt.NumericDate, error) {
	value, ok := c[name]
	if !ok {
		return nil, nil
	}
	number, ok := value.(json.Number)
	if !ok {
		return nil, refuse(malformedToken)
	}
	seconds, _ := strconv.ParseFloat(string(number), 64) // an infinity beyond its range
	seconds = min(max(math.Floor(seconds), firstSecond), lastSecond)
	return &jwt.NumericDate{Time: time.Unix(int64(seconds), 0)}, nil
}

// text returns a claim that is required to be a string. Different strings in the
// token are different texts: a number would be the same text as a string of its
// digits, and the decoder puts U+FFFD in place of anything that is not Unicode.
func (c claims) text(name string) (string, error) {
	switch value := c[name].(type) {
	case nil:
		return "", refuse(missingClaim, name)
	case string:
		switch {
		case value == "":
			return "", refuse(badClaim, name, "a string that is not empty")
		case strings.ContainsRune(value, utf8.RuneError):
			return "", refuse(badClaim, name, "valid Unicode")
		}
		return value, nil
	case json.Number:
		return "", refuse(badClaim, name, `a string but a number, and 12 must not be taken for "12": have it issued in quotes`+numberHint(name))
	}
	return "", refuse(badClaim, name, "a string")
}

// numberHint says how a pattern takes a number. A sub is never one (RFC 7519,
// section 4.1.2).
func numberHint(name string) string {
	if name == "sub" {
		return ""
	}
	return fmt.Sprintf(", or write {%s:%s} in --jwt-databases", name, numberEscape)
}

// number returns the digits of a claim that is required to be a whole number. They
// are unique, and so nothing else is accepted: 1e2 and 100.0 are 100, too.
func (c claims) number(name string) (string, error) {
	value, ok := c[name].(json.Number)
	switch {
	case c[name] == nil:
		return "", refuse(missingClaim, name)
	case !ok || !wholeNumber.MatchString(string(value)):
		return "", refuse(badClaim, name, "a whole number: digits without quotes, sign, fraction and exponent")
	}
	return string(value), nil
}

var wholeNumber = regexp.MustCompile(`^(0|[1-9][0-9]*)$`)

// list returns a claim that is a string or a list of strings.
func (c claims) list(name string) (list []string, ok bool) {
	switch value := c[name].(type) {
	case string:
		return []string{value}, true
	case []any:
		for _, each := range value {
			text, ok := each.(string)
			if !ok {
				return nil, false
			}
			list = append(list, text)
		}
		return list, true
	}
	return nil, false
}

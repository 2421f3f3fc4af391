package jwtauth_test

import (
	"encoding/json"
	"strings"
	"testing"

	"syncabled/server/jwtauth"
)

// FuzzKeySet puts anything in place of an entry of a key set: the other one still counts.
func FuzzKeySet(f *testing.F) {
	for _, entry := range []string{
		`{}`, `null`, `[]`, `"key"`, `{"kty":7}`, `{"kty":"RSA","n":"AQAB","e":"AQAB"}`, `{"kty":"oct","k":"AQAB"}`,
		`{"kty":"EC","crv":"P-256","x":"AQAB","y":"AQAB"}`, `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`,
		`{"kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","use":"sig","key_ops":["verify"]}`,
		`{"kty":"RSA","n":"AQAB","e":"AQAB","x5c":["AQAB"]}`,
	} {
		f.Add(entry)
	}
	f.Fuzz(func(t *testing.T, entry string) {
		good, err := json.Marshal(rsaJWK(t, "RSA", "one"))
		if err != nil {
			t.Fatal(err)
		}
		text := `{"keys":[` + entry + `,` + string(good) + `]}`
		if !json.Valid([]byte(text)) || strings.Contains(strings.ToLower(entry), `"keys"`) {
			return
		}
		keys, leftOut, err := jwtauth.ParseKeySet([]byte(text))
		if err != nil || keys == 0 {
			t.Errorf("%s: %d keys, left out %v, %v", text, keys, leftOut, err)
		}
	})
}

package jwtauth

import (
	"fmt"
	"net/http"

	"syncabled/server"
)

// A kind is one of the reasons to refuse a handshake.
type kind struct {
	code   string
	status int
	reason string // a sentence, with verbs of fmt
}

var (
	missingToken = kind{"missing_token", http.StatusUnauthorized,
		"no token: bring one as \"Authorization: Bearer TOKEN\", in the cookie that the server is set up for, in the subprotocol list, or as ?token=TOKEN"}
	ambiguousToken = kind{"ambiguous_token", http.StatusUnauthorized,
		"different tokens in one request: bring one"}
	malformedToken = kind{"malformed_token", http.StatusUnauthorized,
		"this is no JSON Web Token: three parts of base64url with dots between them, of JSON whose times are numbers of seconds"}
	algNone = kind{"alg_none", http.StatusUnauthorized,
		"the token is not signed (alg none): sign it"}
	critNotUnderstood = kind{"crit_not_understood", http.StatusUnauthorized,
		"the header crit of the token names extensions that its readers have to understand, and this server understands none: sign it without crit"}
	algNotAllowed = kind{"alg_not_allowed", http.StatusUnauthorized,
		"the token is signed with %q, which does not go with the keys of this server: sign it with %s"}
	unknownKey = kind{"unknown_kid", http.StatusUnauthorized,
		"the key %q that the token is signed with is not among those of this server: get a new token, or have the key published"}
	keysUnavailable = kind{"keys_unavailable", http.StatusServiceUnavailable,
		"the keys that tokens are signed with cannot be fetched at the moment: come back later; the server's log says why"}
	badSignature = kind{"bad_signature", http.StatusUnauthorized,
		"the signature of the token does not fit: it was signed with another key, or changed since"}
	tokenExpired = kind{"token_expired", http.StatusUnauthorized,
		"the token expired at %s: get a new one"}
	tokenNotYetValid = kind{"token_not_yet_valid", http.StatusUnauthorized,
		"the token is valid from %s on (nbf): wait, or set the clocks right"}
	tokenFromFuture = kind{"token_from_future", http.StatusUnauthorized,
		"the token was issued at %s (iat), which is yet to come: set the clocks right"}
	wrongAudience = kind{"wrong_audience", http.StatusUnauthorized,
		"the token is for somebody else: its aud has to name %q"}
	lifetimeTooLong = kind{"lifetime_too_long", http.StatusUnauthorized,
		"the token is valid for too long: from iat to exp it may be %s at most"}
	missingClaim = kind{"missing_claim", http.StatusUnauthorized,
		"the token lacks the claim %q: have it issued with one"}
	badClaim = kind{"bad_claim", http.StatusUnauthorized,
		"the claim %q of the token is not %s"}
	databaseNotAllowed = kind{"database_not_allowed", http.StatusForbidden,
		"the token does not allow the database %q: get one that names it"}
)

// kinds are all of them, in the order in which they are looked for.
var kinds = []kind{
	missingToken, ambiguousToken, malformedToken, algNone, critNotUnderstood, algNotAllowed, unknownKey, keysUnavailable, badSignature,
	tokenExpired, tokenNotYetValid, tokenFromFuture, wrongAudience, lifetimeTooLong, missingClaim, badClaim, databaseNotAllowed,
}

func refuse(k kind, args ...any) *server.Refusal {
	return &server.Refusal{Status: k.status, Code: k.code, Reason: fmt.Sprintf(k.reason, args...)}
}

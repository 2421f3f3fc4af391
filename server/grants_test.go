package server_test

import (
	"fmt"
	"net/http"
	"strings"

	"syncabled/server"
)

// headerGrants grants what the header Grant says: a subject, or a subject and
// "read". Without the header it refuses.
type headerGrants struct{}

func (headerGrants) Authorize(r *http.Request, database string) (server.Grant, error) {
	subject, access, _ := strings.Cut(r.Header.Get("Grant"), " ")
	if subject == "" {
		return server.Grant{}, &server.Refusal{Status: http.StatusUnauthorized, Code: "no_grant",
			Reason: fmt.Sprintf("nothing is granted for the database %s", database)}
	}
	return server.Grant{Subject: subject, ReadOnly: access == "read"}, nil
}

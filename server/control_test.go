package server_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"

	"syncabled/server"
)

// What operators ask for makes no database.
func TestControlMakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, server.Config{})
		s.config.Exists = func(name string) bool { return s.dir.Exists(name) }
		s.start()
		a := s.connect("/db/notes", nil)
		a.send(identity("a"), subscribe(0))
		a.received()
		for path, want := range map[string]int{
			"/backup/notes": http.StatusOK, "/log/notes": http.StatusOK,
			"/backup/nots": http.StatusNotFound, "/log/nots": http.StatusNotFound, "/backup/Notes": http.StatusNotFound,
			"/readyz": http.StatusOK,
		} {
			answer := httptest.NewRecorder()
			s.server.Control().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
			if answer.Code != want {
				t.Errorf("%s: got %d %s, want %d", path, answer.Code, answer.Body, want)
			}
		}
		if names, err := s.dir.Names(); err != nil || !slices.Equal(names, []string{"notes"}) {
			t.Errorf("databases %v, %v", names, err)
		}
	})
}

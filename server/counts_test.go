package server

import (
	"fmt"
	"testing"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"
)

// What others choose the names of does not grow without bound.
func TestNamedCountsAreBounded(t *testing.T) {
	var n namedCounts
	for i := range mostNames + 5 {
		n.add(fmt.Sprint("code", i))
		n.add("code0")
	}
	all := n.all()
	if len(all) != mostNames+1 || all["other"] != 5 || all["code0"] != mostNames+6 || all["code1"] != 1 {
		t.Errorf("got %v", all)
	}
}

func TestCloseCodesAreCounted(t *testing.T) {
	s := New(Config{})
	for _, code := range []int{1000, 1012, 1012, 1015, 999, 1016, 4000, -1} {
		s.counts.close(websocket.StatusCode(code))
	}
	want := map[string]int64{"1000": 1, "1012": 2, "1015": 1, "other": 4}
	if diff := cmp.Diff(want, s.Counts().Closed); diff != "" {
		t.Errorf("closed (-want +got):\n%s", diff)
	}
}

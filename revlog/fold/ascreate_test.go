package fold

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"syncabled/protocol"
)

func TestTwins(t *testing.T) {
	for _, test := range []struct {
		key  protocol.Key
		want []protocol.Key
	}{
		{`1`, []protocol.Key{`"1"`}},
		{`"1"`, []protocol.Key{`1`}},
		{`"-1.5"`, []protocol.Key{`-1.5`}},
		{`"1.0"`, nil},
		{`"01"`, nil},
		{`"a"`, nil},
		{`""`, nil},
		{`"[1]"`, nil},
		{`["a","b"]`, []protocol.Key{`"a,b"`}},
		{`[1,"a"]`, []protocol.Key{`["1","a"]`, `"1,a"`}},
		{`[1,["b",2]]`, []protocol.Key{`["1",["b",2]]`, `"1,b,2"`}},
		{`[1,"2"]`, []protocol.Key{`["1","2"]`, `[1,2]`, `["1",2]`, `"1,2"`}},
	} {
		if diff := cmp.Diff(test.want, twins(test.key)); diff != "" {
			t.Errorf("twins of %s (-want +got):\n%s", test.key, diff)
		}
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestIDsKeepTheirRef(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLedger(rapid.Uint64().Draw(t, "salt"), 200)
		want := ref{rapid.Uint32().Draw(t, "writer"), rapid.Uint32().Draw(t, "number")}
		id := l.appendID(nil, want)
		if got, ours := l.refOf(id); !ours || got != want {
			t.Fatalf("%s is %v, %v; want %v", id, got, ours, want)
		}
		if upper := bytes.ToUpper(id); !bytes.Equal(upper, id) {
			if _, ours := l.refOf(upper); ours {
				t.Fatalf("%s is taken for %s", upper, id)
			}
		}
		other := newLedger(l.salt+1, 200)
		if got, ours := other.refOf(id); ours {
			t.Fatalf("another run takes %s for its %v", id, got)
		}
	})
}

func TestObjectsHaveTheirSize(t *testing.T) {
	for _, size := range []int{120, 200, 10_000} {
		l := newLedger(1, size, 1)
		obj := l.appendObject(nil, ref{3, 17})
		if len(obj) != size || !json.Valid(obj) {
			t.Errorf("want %d bytes of JSON, got %d: %s", size, len(obj), obj)
		}
	}
}

func TestHistogram(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h histogram
		n := rapid.Int64Range(1, int64(time.Hour)).Draw(t, "nanoseconds")
		h.add(n)
		h.add(int64(2 * time.Hour)) // so that the most does not say it
		got := int64(h.quantile(0.25))
		if got < n || float64(got) > float64(n)*1.04 {
			t.Fatalf("%d is counted as %d", n, got)
		}
	})
}

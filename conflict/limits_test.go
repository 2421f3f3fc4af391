package conflict_test

import (
	"bytes"
	"fmt"
	"strconv"
	"testing"

	"syncabled/conflict"
	"syncabled/protocol"
)

// The bound on the growth of arrays is no corner in which the law fails.
func TestTransformLawAtMaxGrowth(t *testing.T) {
	var long []byte
	for range conflict.MaxGrowth + 1 {
		long = append(long, "1,"...)
	}
	long = fmt.Appendf(nil, `{"a":[%s1]}`, long)
	objects := [][]byte{[]byte(`{"a":[]}`), long}
	indexes := []int{0, conflict.MaxGrowth - 1, conflict.MaxGrowth, conflict.MaxGrowth + 2}

	set := func(value string, i, j int) protocol.Change {
		return update(fmt.Sprintf(`{"a.%d":%s,"a.%d":%s}`, i, value, j, value))
	}
	for n := range 2 * 4 * 4 * 4 {
		obj, i, j, k := objects[n%2], indexes[n/2%4], indexes[n/8%4], indexes[n/32%4]
		others := []protocol.Change{set("2", i, i), set("3", j, k)}
		c := set("4", k, i)
		e := effectOf(others)

		onServer := applyAll(obj, others)
		if left, ok := e.Transform(c); ok {
			onServer = conflict.Apply(onServer, left)
		}
		onClient := applyEffect(conflict.Apply(obj, c), e)
		if !bytes.Equal(onClient, onServer) {
			t.Fatalf("indexes %d, %d, %d: client %d bytes, server %d bytes", i, j, k, len(onClient), len(onServer))
		}
	}
}

// Few bytes cannot make an object grow without bound.
func TestMaxFill(t *testing.T) {
	mods := []byte{'{'}
	for i := range 1000 {
		mods = fmt.Appendf(mods, `"a%d":[],"a%d.%d":1,`, i, i, conflict.MaxGrowth-1)
	}
	c := protocol.Change{Type: protocol.Update, Mods: append(mods[:len(mods)-1], '}')}
	const most = conflict.MaxFill*len("null,") + 1<<20
	if n := len(conflict.Apply([]byte(`{}`), c)); n > most {
		t.Errorf("an UPDATE made an object of %d bytes", n)
	}
	folded, _ := conflict.Effect{}.Then(c).Then(c).Change("table", `"key"`)
	if n := len(folded.Mods); n > most {
		t.Errorf("the effect of two UPDATEs has %d bytes", n)
	}
}

// Costs grow with the size of the inputs, not with the product of their sizes:
// if they did, this test would run for minutes.
func TestManyPaths(t *testing.T) {
	const n = 20_000
	paths := func(format string) []byte {
		text := []byte{'{'}
		for i := range n {
			text = fmt.Appendf(text, format+`:%d,`, i, i)
		}
		return append(text[:len(text)-1], '}')
	}
	inner := paths(`"k%d"`)
	obj := []byte(`{"o":` + string(inner) + `}`)
	onto := protocol.Change{Type: protocol.Update, Mods: paths(`"o.k%d"`)}
	into := protocol.Change{Type: protocol.Update, Mods: []byte(`{"o":` + string(inner) + `}`)}
	elements := protocol.Change{Type: protocol.Update, Mods: paths(`"o.%d"`)}

	requireSame(t, "object", obj, conflict.Apply(obj, onto))
	requireSame(t, "object", obj, conflict.Apply([]byte(`{}`), onto))
	if got := conflict.Apply([]byte(`{"o":[]}`), elements); bytes.Count(got, []byte(",")) != n-1 {
		t.Errorf("array of %d bytes", len(got))
	}
	for _, run := range [][]protocol.Change{{onto, onto}, {into, onto}, {onto, into}, {elements, onto}} {
		e := effectOf(run)
		requireSame(t, "object", applyAll(obj, run), applyEffect(obj, e))
		for _, c := range []protocol.Change{onto, into, elements} {
			e.Transform(c)
		}
	}
}

// A long run of small changes is composed in time and space proportional to it.
func TestLongRun(t *testing.T) {
	const n = 100_000
	counter, list := conflict.Effect{}, conflict.Effect{}
	onto := conflict.Effect{}.Then(protocol.Change{Type: protocol.Create, Obj: []byte(`{"list":[],"n":0}`)})
	for i := range n {
		counter = counter.Then(protocol.Change{Type: protocol.Update, Mods: fmt.Appendf(nil, `{"n":%d}`, i)})
		grow := protocol.Change{Type: protocol.Update, Mods: fmt.Appendf(nil, `{"list.%d":%d}`, i, i)}
		list = list.Then(grow)
		onto = onto.Then(grow)
	}
	c, _ := counter.Change("table", `"key"`)
	expect(t, "counter", `{"n":`+strconv.Itoa(n-1)+`}`, string(c.Mods))
	for name, e := range map[string]conflict.Effect{"list": list, "onto": onto} {
		obj := applyEffect([]byte(`{"list":[],"n":0}`), e)
		if got := bytes.Count(obj, []byte(",")); got != conflict.MaxGrowth {
			t.Errorf("%s: %d commas", name, got)
		}
	}
}

package conflict

// A node of a tree of assignments stands for a key path. The tree holds what a
// run of assignments amounts to: a node's value is what was assigned at its path
// last, and the nodes below it what was assigned inside of that afterwards.
//
// Assignments below different kids of a node are independent of each other, so
// the tree need not remember their order.
type node struct {
	value []byte       // nil: the path itself is not assigned
	kids  named[*node] // by step
}

// assign adds an assignment that comes after all others.
func (n *node) assign(path string, value []byte) {
	for steps := (keyPath{rest: path}); !steps.done; {
		var step string
		step, steps = steps.next()
		kid := n.kids.get(step)
		if kid == nil {
			kid = new(node)
			n.kids.add(step, kid)
		}
		n = kid
	}
	*n = node{value: value}
}

// assignAll adds the assignments of an UPDATE.
func (n *node) assignAll(mods []mod) {
	for _, m := range mods {
		n.assign(m.name, m.value)
	}
}

// then returns the assignments of n followed by those of later. It shares nodes
// with both.
func (n *node) then(later *node) *node {
	if later.value != nil {
		return later
	}
	both := &node{value: n.value}
	for _, k := range n.kids.list {
		if other := later.kids.get(k.name); other != nil {
			k.value = k.value.then(other)
		}
		both.kids.add(k.name, k.value)
	}
	for _, k := range later.kids.list {
		if n.kids.find(k.name) < 0 {
			both.kids.add(k.name, k.value)
		}
	}
	return both
}

// overlaps reports whether a path of n is equal to, under or above a path of
// other.
func (n *node) overlaps(other *node) bool {
	if n.value != nil || other.value != nil {
		return true
	}
	for _, k := range n.kids.list {
		if o := other.kids.get(k.name); o != nil && k.value.overlaps(o) {
			return true
		}
	}
	return false
}

// without returns what is left of n when others were first but count as later:
// n without the paths of others and what is under them, and with the values of
// others set inside those of n. It returns nil if nothing is left.
func (n *node) without(others *node) *node {
	switch {
	case others.value != nil && ruleTrim:
		return nil
	case n.value != nil && ruleInset:
		return n.then(others)
	case others.value != nil || n.value != nil:
		return n
	}
	left := new(node)
	for _, k := range n.kids.list {
		if other := others.kids.get(k.name); other != nil {
			k.value = k.value.without(other)
		}
		if k.value != nil {
			left.kids.add(k.name, k.value)
		}
	}
	if len(left.kids.list) == 0 {
		return nil
	}
	return left
}

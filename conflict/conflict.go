// Package conflict is the algebra of changes to one object: what a change makes
// of an object, what a run of changes amounts to, and what is left of a change
// when others were faster.
//
// Write S.C for the object S after the change C. A client makes C without
// knowing of the changes O that others made meanwhile; it applies O on top of C
// when they arrive. The server has O already, so it applies C', which is C
// transformed by O. The law that both end equal, for every S, C and O:
//
//	S.C.O = S.O.C'
//
// O is an [Effect], the net result of a run of changes, with a law of its own:
// its change does to every object what the run does one by one.
//
//	S.c1.c2.….cn = S.Effect(c1 c2 … cn)
//
// Both hold for every JSON that package protocol lets in, up to [MaxFill], which
// only a client that means harm exceeds.
//
// # Representation
//
// Objects and values are the raw JSON of the wire. An UPDATE rewrites the places
// that it sets and copies all other bytes. All functions are pure: they modify
// none of their inputs, results may share memory with them, and equal inputs
// give equal bytes. Inputs have to be valid JSON, as package protocol checks it.
//
// # Key paths
//
// A key path such as a.b.c is set the way Dexie's setByKeyPath sets it, in terms
// of what JSON can carry:
//
//   - A step that is missing, null, false, 0 or "" becomes {}.
//   - A step that is another primitive makes the assignment a no-op. So does an
//     object that is a primitive itself.
//   - In an array, an index ("0", "10", but not "01") sets the element; an index
//     beyond the end fills up with null. Any other step is a no-op: JSON drops
//     such properties. That includes "length", whose effect would depend on the
//     order of assignments that are otherwise independent.
//   - Of a repeated name the last member counts. Names compare decoded.
//   - A new property goes to the end of its object.
//
// The assignments of one UPDATE run in the order in which JavaScript iterates
// over the properties of its mods.
package conflict

// MaxGrowth is the number of elements up to which an array grows when an index
// beyond its end is set. Above it such an assignment is a no-op, or ten bytes
// could grow an object without bound. The bound is absolute, and not relative to
// the length of the array, so that assignments to different indexes commute.
const MaxGrowth = 1 << 16

// MaxFill is the number of elements by which one UPDATE lets arrays grow in all.
// From there on, an assignment that would let one grow is a no-op.
const MaxFill = 1 << 20

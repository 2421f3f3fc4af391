package dexie

import (
	"slices"
	"strings"

	"syncabled/protocol"
)

// mergeChange reduces two changes of an object to one.
func mergeChange(prev, next localChange) localChange {
	switch {
	case prev.kind == protocol.Delete && next.kind != protocol.Create:
		return prev
	case next.kind != protocol.Update:
		return next
	case prev.kind == protocol.Create:
		return combineCreateAndUpdate(prev, next)
	}
	return combineUpdateAndUpdate(prev, next)
}

func combineCreateAndUpdate(prev, next localChange) localChange {
	for _, mod := range next.mods {
		prev.obj = SetByKeyPath(prev.obj, mod.Path, mod.Value)
	}
	return prev
}

func combineUpdateAndUpdate(prev, next localChange) localChange {
	combined := prev
	combined.mods = slices.Clone(prev.mods)
	find := func(path string) int {
		return slices.IndexFunc(combined.mods, func(m Mod) bool { return m.Path == path })
	}
	for _, mod := range next.mods {
		hadParent := false
		for _, parent := range prev.mods {
			if rest, under := strings.CutPrefix(mod.Path, parent.Path+"."); under {
				i := find(parent.Path)
				combined.mods[i].Value = SetByKeyPath(combined.mods[i].Value, rest, mod.Value)
				hadParent = true
			}
		}
		if !hadParent {
			if i := find(mod.Path); i >= 0 {
				combined.mods[i].Value = mod.Value
			} else {
				combined.mods = append(combined.mods, mod)
			}
		}
		for _, sub := range prev.mods {
			if strings.HasPrefix(sub.Path, mod.Path+".") {
				combined.mods = slices.DeleteFunc(combined.mods, func(m Mod) bool { return m.Path == sub.Path })
			}
		}
	}
	return combined
}

package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// explainCall says what was probably meant by a call that is wrong. Kong does so for
// flags alone, and says of a value which flag has it and not where it is set.
func explainCall(err error) error {
	if setting := (*settingError)(nil); errors.As(err, &setting) {
		return setting
	}
	if wrong := (*kong.ParseError)(nil); errors.As(err, &wrong) && wrong.Context != nil && wrong.Context.Error != nil {
		return explainTrace(wrong.Context)
	}
	return err
}

// helpHint names the help that says how to call what was called wrongly.
func helpHint(err error) string {
	if wrong := (*kong.ParseError)(nil); errors.As(err, &wrong) && wrong.Context != nil {
		if node := wrong.Context.Selected(); node != nil && node.Name != "serve" {
			return fmt.Sprintf("See 'syncabled %s --help'.", node.Path())
		}
	}
	return "See 'syncabled --help', and 'syncabled serve --help' for all flags."
}

// explainTrace returns what is wrong with the words of a call, nil if nothing is.
func explainTrace(ctx *kong.Context) error {
	if ctx.Error == nil {
		return nil
	}
	rest := ctx.Path[len(ctx.Path)-1].Remainder()
	if len(rest) == 0 || strings.HasPrefix(rest[0], "--") { // Kong knows flags that are near
		return ctx.Error
	}
	if strings.HasPrefix(rest[0], "-") {
		return explainDash(ctx, rest[0])
	}
	if command := meantCommand(ctx, rest[0]); command != "" {
		return fmt.Errorf("%w, did you mean %q?", ctx.Error, command)
	}
	return ctx.Error
}

// meantCommand returns the command that a word probably stands for, "" if there is none:
// one that could be there by another spelling, or any by its name alone.
func meantCommand(ctx *kong.Context, word string) string {
	group := ctx.Model.Node
	if node := ctx.Selected(); node != nil {
		if group = node.Parent; group.DefaultCmd != node {
			return "" // it takes arguments of its own
		}
	}
	var names []string
	paths := map[string]string{}
	for _, child := range group.Children {
		names = append(names, child.Name)
		paths[child.Name] = child.FullPath()
	}
	if near := nearest(word, names); near != "" {
		return paths[near]
	}
	for _, leaf := range ctx.Model.Leaves(true) {
		if leaf.Name == strings.ToLower(word) {
			return leaf.FullPath()
		}
	}
	return ""
}

// explainDash says that a flag of several letters takes two dashes.
func explainDash(ctx *kong.Context, word string) error {
	name, _, _ := strings.Cut(strings.TrimPrefix(word, "-"), "=")
	node := ctx.Selected()
	if node == nil {
		node = ctx.Model.Node
	}
	var names []string
	for _, flag := range flagsOf(node) {
		names = append(names, flag.Name)
	}
	near := nearest(name, names)
	if strings.EqualFold(name, "v") {
		near = "version"
	}
	switch {
	case name == "":
		return ctx.Error
	case near == "":
		return fmt.Errorf("unknown flag -%s", name)
	}
	return fmt.Errorf("unknown flag -%s, did you mean \"--%s\"?", name, near)
}

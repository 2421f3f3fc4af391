package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

func fishCompletion(root *kong.Node) string {
	var b strings.Builder
	b.WriteString("# Fish completion of syncabled; made by \"syncabled completion fish\".\ncomplete -c syncabled -f\n")
	commandsOf(root, func(node *kong.Node) {
		condition := fishCondition(node)
		for _, child := range node.Children {
			fmt.Fprintf(&b, "complete -c syncabled -n %s -a %s -d %s\n", condition, child.Name, fishQuote(firstSentence(child.Help)))
		}
		for _, flag := range flagsOf(node) {
			fmt.Fprintf(&b, "complete -c syncabled -n %s -l %s%s -d %s\n", condition, flag.Name,
				fishAction(kindOf(flag.Value, flag.PlaceHolder), flag.EnumSlice()), fishQuote(firstSentence(flag.Help)))
		}
		for _, arg := range node.Positional {
			words := arg.EnumSlice()
			if node.Name == "help" {
				words = childNames(root)
			}
			if action := fishAction(kindOf(arg, ""), words); strings.Contains(action, " -a ") {
				fmt.Fprintf(&b, "complete -c syncabled -n %s%s\n", condition, strings.TrimPrefix(action, " -r"))
			}
		}
	})
	return b.String()
}

// fishCondition holds while a command is the innermost that has been typed.
func fishCondition(node *kong.Node) string {
	var conditions []string
	for at := node; at.Parent != nil; at = at.Parent {
		conditions = append(conditions, "__fish_seen_subcommand_from "+at.Name)
	}
	slices.Reverse(conditions)
	if len(node.Children) > 0 {
		conditions = append(conditions, "not __fish_seen_subcommand_from "+strings.Join(childNames(node), " "))
	}
	return fishQuote(strings.Join(conditions, "; and "))
}

// fishAction says what follows a flag.
func fishAction(kind valueKind, enum []string) string {
	switch kind {
	case oneOfEnum:
		return " -r -a " + fishQuote(strings.Join(enum, " "))
	case aFile:
		return " -r -F"
	case aFolder:
		return " -r -a '(__fish_complete_directories (commandline -ct))'"
	case anyText:
		return " -r"
	}
	return ""
}

func fishQuote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) + "'"
}

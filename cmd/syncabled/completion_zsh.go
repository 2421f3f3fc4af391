package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// zshCompletion works from a folder of $fpath, and when it is sourced.
func zshCompletion(root *kong.Node) string {
	var b strings.Builder
	commandsOf(root, func(node *kong.Node) { zshFunction(&b, node) })
	return "#compdef syncabled\n# Zsh completion of syncabled; made by \"syncabled completion zsh\".\n\n" + b.String() +
		"if [[ $funcstack[1] == _syncabled ]]; then\n    _syncabled \"$@\"\nelse\n    compdef _syncabled syncabled\nfi\n"
}

// zshFunction appends the function of a command, which is called by that of the command
// above it.
func zshFunction(b *strings.Builder, node *kong.Node) {
	fmt.Fprintf(b, "%s() {\n    local curcontext=$curcontext state line\n    typeset -A opt_args\n    _arguments -C", zshName(node))
	for _, flag := range flagsOf(node) {
		fmt.Fprintf(b, " \\\n        '--%s%s[%s]%s'", flag.Name, zshEquals(flag), zshQuote(firstSentence(flag.Help)),
			zshAction(kindOf(flag.Value, flag.PlaceHolder), flag.FormatPlaceHolder(), flag.EnumSlice()))
	}
	for i, arg := range node.Positional {
		fmt.Fprintf(b, " \\\n        '%d%s'", i+1, zshAction(kindOf(arg, ""), arg.Name, arg.EnumSlice()))
	}
	if len(node.Children) == 0 {
		b.WriteString("\n}\n\n")
		return
	}
	b.WriteString(" \\\n        '1: :->command' \\\n        '*:: :->rest'\n    case $state in\n    command)\n        local -a commands=(\n")
	for _, child := range node.Children {
		fmt.Fprintf(b, "            '%s:%s'\n", child.Name, zshQuote(firstSentence(child.Help)))
	}
	b.WriteString("        )\n        _describe command commands ;;\n    rest)\n        case $words[1] in\n")
	for _, child := range node.Children {
		fmt.Fprintf(b, "        %s) %s ;;\n", child.Name, zshName(child))
	}
	b.WriteString("        esac ;;\n    esac\n}\n\n")
}

func zshName(node *kong.Node) string {
	return strings.ReplaceAll(strings.TrimSpace("_syncabled "+commandPath(node)), " ", "_")
}

// zshEquals says that the value comes behind a space or an =.
func zshEquals(flag *kong.Flag) string {
	if flag.IsBool() {
		return ""
	}
	return "="
}

func zshAction(kind valueKind, name string, enum []string) string {
	action := " "
	switch kind {
	case noValue:
		return ""
	case oneOfEnum:
		action = "(" + strings.Join(enum, " ") + ")"
	case aFile:
		action = "_files"
	case aFolder:
		action = "_files -/"
	}
	return ":" + zshQuote(name) + ":" + action
}

func zshQuote(text string) string {
	return strings.NewReplacer("'", `'\''`, "[", `\[`, "]", `\]`, ":", `\:`).Replace(text)
}

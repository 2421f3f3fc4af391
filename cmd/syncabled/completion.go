package main

import (
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// completionCommand prints what makes a shell complete commands and flags. The scripts
// are made of the same tags as the flags, and ask the program nothing.
type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help is printed between the summary of the command and its flags.
func (completionCommand) Help() string {
	return `Bash: syncabled completion bash > /etc/bash_completion.d/syncabled, or in ~/.bashrc: source <(syncabled completion bash). Zsh: syncabled completion zsh > "${fpath[1]}/_syncabled". Fish: syncabled completion fish > ~/.config/fish/completions/syncabled.fish.`
}

// Run prints the script of a shell.
func (c completionCommand) Run(w world, this *call) error {
	scripts := map[string]func(*kong.Node) string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}
	_, err := io.WriteString(w.stdout, scripts[c.Shell](this.context.Model.Node))
	return err
}

// A valueKind is what the value of a flag or an argument can be completed to.
type valueKind int

const (
	noValue valueKind = iota // a flag that is there or not
	anyText                  // nothing is known of it
	aFile
	aFolder
	oneOfEnum // one of the words of the enum
)

func kindOf(value *kong.Value, placeholder string) valueKind {
	switch {
	case value.IsBool():
		return noValue
	case value.Enum != "":
		return oneOfEnum
	case placeholder == "FILE":
		return aFile
	case placeholder == "DIR", value.Tag.Type == "path", value.Tag.Type == "existingdir":
		return aFolder
	}
	return anyText
}

// flagsOf returns the flags of a command and of those above it. A command that has a
// default command has its flags, too.
func flagsOf(node *kong.Node) []*kong.Flag {
	var flags []*kong.Flag
	for _, group := range node.AllFlags(true) {
		flags = append(flags, group...)
	}
	if node.DefaultCmd != nil {
		flags = append(flags, node.DefaultCmd.Flags...)
	}
	return flags
}

// commandsOf calls do for a command and all below it.
func commandsOf(node *kong.Node, do func(*kong.Node)) {
	do(node)
	for _, child := range node.Children {
		commandsOf(child, do)
	}
}

// commandPath returns the words of a command, without the name of the program.
func commandPath(node *kong.Node) string {
	if node.Parent == nil {
		return ""
	}
	return strings.TrimSpace(commandPath(node.Parent) + " " + node.Name)
}

// firstSentence returns what fits beside a word.
func firstSentence(help string) string {
	sentence, _, _ := strings.Cut(help, ". ")
	sentence, _, _ = strings.Cut(sentence, ": ")
	return strings.TrimSuffix(sentence, ".")
}

func childNames(node *kong.Node) []string {
	var names []string
	for _, child := range node.Children {
		names = append(names, child.Name)
	}
	return names
}

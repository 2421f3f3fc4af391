package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// bashCompletion works with Bash 3.2, which macOS has, too: there, values are completed
// to files whatever they are.
func bashCompletion(root *kong.Node) string {
	var steps, values, words strings.Builder
	commandsOf(root, func(node *kong.Node) {
		path := commandPath(node)
		for _, child := range node.Children {
			fmt.Fprintf(&steps, "        '%s/%s') command='%s' ;;\n", path, child.Name, commandPath(child))
		}
		offered := childNames(node)
		for _, flag := range flagsOf(node) {
			offered = append(offered, "--"+flag.Name)
			if action := bashAction(kindOf(flag.Value, flag.PlaceHolder), flag.EnumSlice()); action != "" {
				fmt.Fprintf(&values, "    '%s --%s') %s ;;\n", path, flag.Name, action)
			}
		}
		for _, arg := range node.Positional {
			if arg.Enum != "" {
				offered = append(offered, arg.EnumSlice()...)
			}
		}
		if path == "help" {
			offered = append(offered, childNames(root)...)
		}
		fmt.Fprintf(&words, "    '%s') offered='%s' ;;\n", path, strings.Join(offered, " "))
	})
	return fmt.Sprintf(bashScript, steps.String(), values.String(), words.String())
}

func bashAction(kind valueKind, enum []string) string {
	switch kind {
	case oneOfEnum:
		return fmt.Sprintf(`COMPREPLY=($(compgen -W '%s' -- "$current")); return`, strings.Join(enum, " "))
	case aFile:
		return "return"
	case aFolder:
		return "compopt -o dirnames +o default 2>/dev/null; return"
	case anyText:
		return "compopt +o default 2>/dev/null; return"
	}
	return ""
}

// Bash takes = for a word of its own. What is completed to nothing is completed to files.
const bashScript = `# Bash completion of syncabled; made by "syncabled completion bash".
_syncabled() {
    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command= offered= word
    if [[ $current == = ]]; then
        current=
    elif [[ $before == = ]]; then
        before=${COMP_WORDS[COMP_CWORD-2]}
    fi
    COMPREPLY=()
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case "$command/$word" in
%s        esac
    done
    case "$command $before" in
%s    esac
    case "$command" in
%s    esac
    COMPREPLY=($(compgen -W "$offered" -- "$current"))
}
complete -o default -F _syncabled syncabled
`

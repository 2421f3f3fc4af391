package main

import (
	"os"
	"regexp"
	"strings"
)

// commandLine returns how the program was called, as others may see it.
func (c *call) commandLine() []string {
	secrets := map[string]bool{}
	for name, flag := range serveFlags(c.context.Model) {
		secrets["--"+name] = flag.Tag.Has("secret")
	}
	return append([]string{os.Args[0]}, hideSecrets(c.context.Args, secrets)...)
}

// userInfo is a name and a password in a URL.
var userInfo = regexp.MustCompile(`://[^/?#]*@`)

// hideSecrets returns arguments without the values of flags that are secret, and without
// passwords in URLs.
func hideSecrets(args []string, secrets map[string]bool) []string {
	shown, isValue := make([]string, 0, len(args)), false
	for _, arg := range args {
		name, _, hasValue := strings.Cut(arg, "=")
		switch isSecret := secrets[name]; {
		case isValue:
			arg, isValue = "(secret)", false
		case isSecret && hasValue:
			arg = name + "=(secret)"
		case isSecret:
			isValue = true
		}
		shown = append(shown, userInfo.ReplaceAllString(arg, "://(secret)@"))
	}
	return shown
}

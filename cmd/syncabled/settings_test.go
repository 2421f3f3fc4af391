package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"
)

func TestSecretsAreNotPrinted(t *testing.T) {
	var flags struct {
		Open   string `default:"a \"b\""`
		Secret string `secret:""`
		Unset  string `secret:""`
		Plain  string `secret:"url"`
		URL    string `name:"url" secret:"url"`
		None   string `secret:"url"`
	}
	settings := newSettings(func(string) string { return "" })
	parser := kong.Must(&flags, kong.Resolvers(settings))
	ctx, err := parser.Parse([]string{"--secret", "hunter2", "--plain", "https://example.com/keys", "--url", "https://user:hunter2@example.com/keys?hunter2"})
	if err != nil {
		t.Fatal(err)
	}
	got := string(appendSettings(nil, parser.Model.Flags, settings.sources(ctx)))
	want := `open = "a \"b\"" # default
# secret = "(secret)" # flag
# unset = "" # default
plain = "https://example.com/keys" # flag
# url = "https://xxxxx@example.com/keys?xxxxx" # flag
# none = "" # default
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

func TestSecretsAreNotInTheCommandLine(t *testing.T) {
	for args, want := range map[string]string{
		"":                                    "",
		"serve --listen :8080":                "serve --listen :8080",
		"--jwt-secret=hunter2 serve":          "--jwt-secret=(secret) serve",
		"--jwt-secret=a=b --data=x":           "--jwt-secret=(secret) --data=x",
		"serve --jwt-secret hunter2 --data x": "serve --jwt-secret (secret) --data x",
		"--jwt-secret --jwt-secret --data x":  "--jwt-secret (secret) --data x",
		"--jwt-secret":                        "--jwt-secret",
		"--jwt-secret=":                       "--jwt-secret=(secret)",
		"--jwks-url https://me:hunter2@id.example.com/keys": "--jwks-url https://(secret)@id.example.com/keys",
		"--jwks-url=https://hunter2@id.example.com":         "--jwks-url=https://(secret)@id.example.com",
		"--jwks-url=https://id.example.com/@a":              "--jwks-url=https://id.example.com/@a",
	} {
		got := hideSecrets(strings.Fields(args), map[string]bool{"--jwt-secret": true, "--data": false})
		if strings.Join(got, " ") != want {
			t.Errorf("%s is shown as %q, want %q", args, got, want)
		}
	}
}

func TestLevelsCanBeChanged(t *testing.T) {
	var out bytes.Buffer
	least := newLevel("warn")
	logger := newLogger(&out, least).With().Str("with", "context").Logger()
	say := func() string {
		out.Reset()
		for _, level := range []zerolog.Level{zerolog.DebugLevel, zerolog.InfoLevel, zerolog.WarnLevel, zerolog.ErrorLevel} {
			logger.WithLevel(level).Msg("")
			logger.Err(nil).Discard()
		}
		return out.String()
	}
	for name, want := range map[string]int{"debug": 4, "info": 3, "warn": 2, "error": 1} {
		least.set(name)
		if got := strings.Count(say(), "\n"); got != want {
			t.Errorf("at %s %d of four events are logged, want %d", name, got, want)
		}
	}
}

package main

import (
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rs/zerolog"

	"syncabled/protocol"
	"syncabled/revlog/boltlog"
	"syncabled/server"
)

// parseServe returns the serve command that arguments and environment make.
func parseServe(t *testing.T, env map[string]string, args ...string) serveCommand {
	t.Helper()
	var cmds commands
	_, err := newParser(&cmds, newSettings(func(name string) string { return env[name] })).Parse(args)
	if err != nil {
		t.Fatal(err)
	}
	return cmds.Serve
}

func TestDefaultsAreThoseOfThePackages(t *testing.T) {
	c := parseServe(t, nil)
	if c.Listen != "127.0.0.1:8080" || !strings.HasSuffix(c.Data, "/data") {
		t.Errorf("listens on %s, data in %s", c.Listen, c.Data)
	}
	got := c.config(nil, zerolog.Nop())
	want := protocol.Limits{}.WithDefaults()
	if diff := cmp.Diff(want, got.Limits); diff != "" {
		t.Errorf("limits (-package +flags):\n%s", diff)
	}
}

func TestEveryFlagReachesTheServer(t *testing.T) {
	pages := t.TempDir()
	env := map[string]string{
		"SYNCABLED_LISTEN":        "localhost:9000",
		"SYNCABLED_DATA":          "/var/lib/syncabled",
		"SYNCABLED_STATIC":        pages,
		"SYNCABLED_ALLOW_HOST":    "sync.example.com, *.example.org",
		"SYNCABLED_ALLOW_ORIGIN":  "app.example.com, https://*.example.org",
		"SYNCABLED_TLS_CERT":      "/etc/cert.pem",
		"SYNCABLED_TLS_KEY":       "/etc/key.pem",
		"SYNCABLED_PRINT_CONFIG":  "true",
		"SYNCABLED_LOG_LEVEL":     "debug",
		"SYNCABLED_MAX_FRAME":     "1KiB",
		"SYNCABLED_MAX_CHANGES":   "2",
		"SYNCABLED_MAX_DEPTH":     "3",
		"SYNCABLED_MAX_TABLE":     "4",
		"SYNCABLED_MAX_KEY":       "5",
		"SYNCABLED_MAX_STEPS":     "6",
		"SYNCABLED_PAGE_CHANGES":  "7",
		"SYNCABLED_PAGE_BYTES":    "8 MiB",
		"SYNCABLED_PING_INTERVAL": "9s",
		"SYNCABLED_PING_TIMEOUT":  "10s",
		"SYNCABLED_WRITE_TIMEOUT": "11s",
		"SYNCABLED_IDLE_TIMEOUT":  "12s",
		"SYNCABLED_DRAIN_TIMEOUT": "13s",
		"SYNCABLED_HOLD_TIMEOUT":  "14s",
		"SYNCABLED_HELD_EXPIRY":   "15s",

		"SYNCABLED_MAX_CONNECTIONS":             "16",
		"SYNCABLED_MAX_CONNECTIONS_PER_ADDRESS": "17",
		"SYNCABLED_MAX_HANDSHAKES":              "18",
		"SYNCABLED_TRUST_PROXY":                 "10.0.0.1, 10.1.0.0/16",
		"SYNCABLED_MAX_MESSAGES_PER_SECOND":     "19",
		"SYNCABLED_MAX_BYTES_PER_SECOND":        "20",
		"SYNCABLED_MAX_RECEIVING":               "21",
		"SYNCABLED_MAX_OBJECT":                  "22",
		"SYNCABLED_MAX_HELD_PER_CLIENT":         "23",
		"SYNCABLED_MAX_HELD":                    "24",
		"SYNCABLED_MAX_DATABASES":               "25",
		"SYNCABLED_MIN_FREE":                    "26",
		"SYNCABLED_ADMIN":                       "0.0.0.0:27",
		"SYNCABLED_ADMIN_PUBLIC":                "true",

		"SYNCABLED_JWT_SECRET":       "26",
		"SYNCABLED_JWT_KEY_FILE":     "testdata/script/version.txtar",
		"SYNCABLED_JWKS_URL":         "28",
		"SYNCABLED_JWT_AUDIENCE":     "29",
		"SYNCABLED_JWT_MAX_LIFETIME": "30s",
		"SYNCABLED_JWT_COOKIE":       "31",
		"SYNCABLED_JWT_DATABASES":    "32,33",
		"SYNCABLED_INSECURE_OPEN":    "true",
	}
	c := parseServe(t, env)
	if c.Listen != "localhost:9000" || c.Data != "/var/lib/syncabled" || c.Static != folder(pages) || c.LogLevel != "debug" ||
		c.TLSCert != "/etc/cert.pem" || c.TLSKey != "/etc/key.pem" || !c.PrintConfig {
		t.Errorf("got %+v", c)
	}
	keyFile, err := filepath.Abs("testdata/script/version.txtar")
	if err != nil {
		t.Fatal(err)
	}
	auth := authFlags{JWTSecret: "26", JWTKeyFile: keyFile, JWKSURL: "28", JWTAudience: "29",
		JWTMaxLifetime: span(30 * time.Second), JWTCookie: "31", JWTDatabases: []string{"32", "33"}}
	if diff := cmp.Diff(auth, c.authFlags); diff != "" || !c.InsecureOpen {
		t.Errorf("authentication (-want +got):\n%s", diff)
	}
	got := c.config(nil, zerolog.Nop())
	want := server.Config{
		AllowHost:    []string{"sync.example.com", "*.example.org"},
		AllowOrigin:  []string{"app.example.com", "https://*.example.org"},
		Limits:       protocol.Limits{FrameBytes: 1024, Changes: 2, Depth: 3, TableBytes: 4, KeyBytes: 5, PathSteps: 6, ObjectBytes: 22},
		PageChanges:  7,
		PageBytes:    8 << 20,
		PingInterval: 9 * time.Second,
		PingTimeout:  10 * time.Second,
		WriteTimeout: 11 * time.Second,
		IdleTimeout:  12 * time.Second,
		DrainTime:    13 * time.Second,
		HoldTimeout:  14 * time.Second,
		HeldExpiry:   15 * time.Second,

		MaxConnections:           16,
		MaxConnectionsPerAddress: 17,
		MaxHandshakes:            18,
		TrustProxy:               []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32"), netip.MustParsePrefix("10.1.0.0/16")},
		MessagesPerSecond:        19,
		BytesPerSecond:           20,
		ReceiveDisk:              21,
		ReceiveFolder:            "/var/lib/syncabled",
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(server.Config{}, "Open", "Exists", "Static", "Ready", "Logger"), cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
	options := boltlog.Options{HeldBytesPerClient: 23, HeldBytes: 24, Databases: 25, FreeBytes: 26}
	if diff := cmp.Diff(options, c.logOptions(), cmpopts.IgnoreUnexported(boltlog.Options{})); diff != "" {
		t.Errorf("options of logs (-want +got):\n%s", diff)
	}
	if c.Admin != "0.0.0.0:27" || !c.AdminPublic {
		t.Errorf("for operators it listens on %q, public %t", c.Admin, c.AdminPublic)
	}
	if flags := parserFlags(); len(flags) != len(env) {
		t.Errorf("%d flags are tested, there are %d: %v", len(env), len(flags), flags)
	}
}

func parserFlags() []string {
	var names []string
	for _, node := range newParser(new(commands), newSettings(func(string) string { return "" })).Model.Children {
		if node.Name != "serve" {
			continue
		}
		for _, flag := range node.Flags {
			names = append(names, flag.Name)
		}
	}
	return names
}

func TestFlagsWinOverTheEnvironment(t *testing.T) {
	env := map[string]string{"SYNCABLED_LISTEN": ":1", "SYNCABLED_MAX_DEPTH": "2", "SYNCABLED_MAX_STEPS": ""}
	c := parseServe(t, env, "--listen", ":3")
	if c.Listen != ":3" || c.MaxDepth != 2 || c.MaxSteps != 100 {
		t.Errorf("got listen %s, max-depth %d, max-steps %d", c.Listen, c.MaxDepth, c.MaxSteps)
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]size{
		"1": 1, "67108864": 64 << 20, "4KiB": 4096, "64MiB": 64 << 20, "2 GiB": 2 << 30,
		"": 0, "0": 0, "0MiB": 0, "-1": 0, "1.5MiB": 0, "8MB": 0, "MiB": 0, "9999999999GiB": 0, "9999999999999999999": 0,
	} {
		var got size
		if err := got.UnmarshalText([]byte(text)); got != want || (err == nil) != (want > 0) {
			t.Errorf("%q is %d (%v), not %d", text, got, err, want)
		}
	}
}

func TestOriginPatterns(t *testing.T) {
	for text, ok := range map[string]bool{
		"*": true, "app.example.com": true, "*.example.com": true, "localhost:3000": true, "null": true,
		"https://app.example.com": true, "https://*.example.com:8443": true, "capacitor://localhost": true,
		"http://[::1]:3000": true, "[2001:db8::1]:8443": true, "[::1]:*": true, "192.168.1.*:3000": true, "file://": true,
		"*://app.example.com": true, "preview-*.example.com": true, " app.example.com ": true,
		"": false, "https://": false, "https://app.example.com/": false, "app.example.com/path": false,
		"a b": false, "[a": false, `a\`: false, "[a-z].example.com": false, "?.example.com": false, "münchen.example": false,
		"app.example.com:https": false, "https://user@app.example.com": false, "::1": false, "[::1": false, "ht!tp://a": false,
	} {
		if err := new(originPattern).UnmarshalText([]byte(text)); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestHostPatterns(t *testing.T) {
	for text, ok := range map[string]bool{
		"sync.example.com": true, "*.example.com": true, "*": true, "syncd": true, "sync.example.com:8443": true, " SYNC.example.com. ": true, "[::1]": true,
		"": false, "https://sync.example.com": false, "sync.example.com/": false, "a b": false, "[a": false, "user@sync.example.com": false, "?.example.com": false,
	} {
		if err := new(hostPattern).UnmarshalText([]byte(text)); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestDatabasesOfAFolderAreListed(t *testing.T) {
	var names []string
	for range 12 {
		names = append(names, "a")
	}
	for want, names := range map[string][]string{
		"a":                            names[:1],
		"a, a":                         names[:2],
		"a, a, a, a, a, a, a, a, a, a": names[:10],
		"a, a, a, a, a, a, a, a, a, a and 2 more": names,
	} {
		if got := listed(names); got != want {
			t.Errorf("%d databases: %q, not %q", len(names), got, want)
		}
	}
}

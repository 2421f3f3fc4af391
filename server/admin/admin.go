// Package admin shows an operator what a server is doing. Its handler is to be
// served where only operators can reach it:
//
//	GET /healthz        as on the sync endpoint
//	GET /readyz         likewise; here it answers until the server has ended
//	GET /metrics        counters and gauges for Prometheus
//	GET /status         databases and sessions as JSON
//	GET /debug/pprof/   profiles of the process
//
// Pages of other sites are refused, but for health checks, and so are requests for the
// name of a domain.
//
// Asking costs the sessions next to nothing. What is counted is counted in
// atomics, by the server and by the registry's histograms of commits; everything
// else is looked up when somebody asks.
package admin

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/pprof"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"syncabled/revlog/boltlog"
	"syncabled/server"
)

// Config says what a handler shows. Server, Dir, Registry, Build and Started are required.
type Config struct {
	Server   *server.Server
	Dir      *boltlog.Dir
	Registry *prometheus.Registry // that has the metrics of Register
	Build    Build
	Started  time.Time

	// CertificateExpires returns when the certificate expires that the server has; nil
	// without TLS.
	CertificateExpires func() time.Time

	// CommandLine is what /debug/pprof/cmdline shows, without secrets.
	CommandLine []string

	// AnyHost answers requests for all host names. Otherwise they have to be for
	// localhost, or for an address: a page of the web can have its own name lead
	// to this machine, and would then be let in by a browser on it.
	AnyHost bool
}

// A Build says which program it is.
type Build struct {
	Version string
	Commit  string // "" if it is not known
}

// New returns the handler. It adds metrics of the server to the registry.
func New(config Config) (http.Handler, error) {
	if err := config.Registry.Register(newCollector(config)); err != nil {
		return nil, fmt.Errorf("register metrics of the server: %w", err)
	}
	mux := http.NewServeMux()
	health := config.Server.Health()
	mux.Handle("GET /healthz", health)
	mux.Handle("GET /readyz", health)
	mux.Handle("GET /metrics", promhttp.HandlerFor(config.Registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /status", config.serveStatus)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", config.serveCommandLine)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /{$}", serveIndex)
	handler := ownPages(shortProfiles(mux))
	if !config.AnyHost {
		handler = localNames(handler)
	}
	return server.WithoutBodies(handler), nil
}

// localNames refuses requests that are for another host than localhost and not for
// an address.
func localNames(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if server.IsRebindable(r.Host) {
			http.Error(w, fmt.Sprintf("this is not for %q: ask for localhost, or for an address", r.Host), http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ownPages refuses what pages of other sites have a browser ask for. They could not read
// the answer, but a profile slows the server down. Health checks are harmless, and what
// is no browser does not say.
func ownPages(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch from := r.Header.Get("Sec-Fetch-Site"); {
		case from == "", from == "none", from == "same-origin", r.URL.Path == "/healthz", r.URL.Path == "/readyz":
			next.ServeHTTP(w, r)
		default:
			http.Error(w, fmt.Sprintf("a page of another site (Sec-Fetch-Site: %s) may not ask here: type the address into the browser", from), http.StatusForbidden)
		}
	})
}

// maxProfile is how long a profile may go on.
const maxProfile = 2 * time.Minute

// shortProfiles refuses a profile that would go on for too long.
func shortProfiles(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked, err := strconv.ParseFloat(r.FormValue("seconds"), 64)
		if most := maxProfile.Seconds(); err == nil && !(asked <= most) {
			http.Error(w, fmt.Sprintf("a profile may take %g seconds at most: ask for fewer than %g", most, asked), http.StatusBadRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// serveCommandLine does what pprof.Cmdline does, which would show secrets.
func (c Config) serveCommandLine(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, strings.Join(c.CommandLine, "\x00")) // who asked may be gone
}

func serveIndex(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "Syncabled\n\n/healthz\n/readyz\n/metrics\n/status\n/debug/pprof/\n") // who asked may be gone
}

func (c Config) serveStatus(w http.ResponseWriter, _ *http.Request) {
	page, err := c.status()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	_ = out.Encode(page) // who asked may be gone
}

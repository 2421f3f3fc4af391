package admin

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

// described returns the names of all metrics, those of the Go runtime and of the
// process too.
func described(t *testing.T) []string {
	t.Helper()
	registry := prometheus.NewRegistry()
	if _, err := Register(registry, Build{}); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, family := range families {
		names[family.GetName()] = true
	}
	descs := make(chan *prometheus.Desc, 1000)
	newCollector(Config{}).Describe(descs)
	close(descs)
	for desc := range descs {
		names[regexp.MustCompile(`fqName: "(\w+)"`).FindStringSubmatch(desc.String())[1]] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// TestEveryMetricIsInTheHandbook compares the table of docs/monitoring.md with the
// metrics that there are.
func TestEveryMetricIsInTheHandbook(t *testing.T) {
	text, err := os.ReadFile("../../docs/monitoring.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(syncabled_\\w+)` \\| (counter|gauge|histogram) \\|").FindAllStringSubmatch(string(text), -1) {
		documented = append(documented, row[1])
		if isCounter := strings.HasSuffix(row[1], "_total"); isCounter != (row[2] == "counter") {
			t.Errorf("%s is no %s", row[1], row[2])
		}
	}
	ours := slices.DeleteFunc(described(t), func(name string) bool { return !strings.HasPrefix(name, "syncabled_") })
	if diff := cmp.Diff(ours, slices.Sorted(slices.Values(documented))); diff != "" {
		t.Errorf("metrics (-there are +documented):\n%s", diff)
	}
	checkQueries(t, "docs/monitoring.md", string(text))
}

// Every alert says how urgent it is, and what has happened.
func TestAlertsAreComplete(t *testing.T) {
	text, err := os.ReadFile("../../docs/monitoring.md")
	if err != nil {
		t.Fatal(err)
	}
	alerts := strings.Split(string(text), "- alert: ")[1:]
	if len(alerts) < 10 {
		t.Fatalf("%d alerts were found", len(alerts))
	}
	complete := regexp.MustCompile(`(?s)^Syncabled\w+.*\n +expr: .*\n +labels: \{ severity: (critical|warning) \}\n +annotations: \{ summary: "[^"]+" \}\n`)
	for _, alert := range alerts {
		if !complete.MatchString(alert) {
			t.Errorf("an alert lacks severity or summary:\n%s", alert)
		}
	}
}

// TestDashboard sees to it that the dashboard asks for metrics that there are.
func TestDashboard(t *testing.T) {
	text, err := os.ReadFile("../../docs/grafana-dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			shown += checkQueries(t, panel.Title, target.Expr)
		}
	}
	if shown < len(dashboard.Panels) {
		t.Errorf("%d panels ask for %d metrics", len(dashboard.Panels), shown)
	}
	checkQueries(t, "the dashboard", string(text))
}

var metricName = regexp.MustCompile(`\b(?:syncabled|process|go)_\w+`)

// checkQueries looks for the metrics that a text names, and returns how many it
// names.
func checkQueries(t *testing.T, where, text string) int {
	t.Helper()
	known := described(t)
	found := metricName.FindAllString(text, -1)
	for _, name := range found {
		series := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_count"), "_sum")
		if !slices.Contains(known, name) && !slices.Contains(known, series) && name != "go_version" && !strings.HasSuffix(name, "_") {
			t.Errorf("%s: there is no metric %s", where, name)
		}
	}
	return len(found)
}

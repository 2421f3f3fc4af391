package admin_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"syncabled/revlog"
	"syncabled/revlog/boltlog"
	"syncabled/server/admin"
)

func TestMetrics(t *testing.T) {
	s := startSite(t, boltlog.Options{}, asIs)
	a, b := s.connect(t, "notes"), s.connect(t, "notes")
	a.send(identity("a"), create("k", false))
	a.await("ack")
	b.send(identity("b"), create("k", false)) // nothing is left of it
	b.await("ack")
	b.send(subscribe)
	b.await("changes")

	got := s.samples(t)
	for sample, want := range map[string]float64{
		`syncabled_sessions`: 2,
		`syncabled_ready`:    1,
		`syncabled_build_info{commit="abc",go_version="*",version="1.2.3"}`: 1,
		`syncabled_last_backup_timestamp_seconds`:                           0,
		`syncabled_connections_accepted_total`:                              2,
		`syncabled_connections_refused_total{reason="origin"}`:              0,
		`syncabled_sets_received_total`:                                     2,
		`syncabled_changes_received_total`:                                  2,
		`syncabled_entries_committed_total`:                                 1,
		`syncabled_conflicts_resolved_total{kind="dropped"}`:                1,
		`syncabled_conflicts_resolved_total{kind="trimmed"}`:                0,
		`syncabled_commit_failures_total{reason="full"}`:                    0,
		`syncabled_databases_open`:                                          1,
		`syncabled_database_head_revision{database="notes"}`:                1,
		`syncabled_database_objects{database="notes"}`:                      1,
		`syncabled_database_sessions{database="notes"}`:                     2,
		`syncabled_database_held_bytes{database="notes"}`:                   0,
	} {
		if value, ok := got[sample]; !ok || value != want {
			t.Errorf("%s is %v, want %v", sample, value, want)
		}
	}
	if value, ok := got["syncabled_certificate_expiry_timestamp_seconds"]; ok {
		t.Errorf("there is no certificate, and it expires at %v", value)
	}
	for _, sample := range []string{"syncabled_commit_duration_seconds", "syncabled_commit_sets", "syncabled_disk_free_bytes",
		`syncabled_database_size_bytes{database="notes"}`, "go_goroutines"} {
		if got[sample] == 0 {
			t.Errorf("%s is 0, or is not there", sample)
		}
	}
	problems, err := testutil.GatherAndLint(s.registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Errorf("%s: %s", problem.Metric, problem.Text)
	}
}

// samples returns all samples, of histograms the sums.
func (s *site) samples(t *testing.T) map[string]float64 {
	t.Helper()
	families, err := s.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	samples := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			var labels []string
			for _, label := range metric.GetLabel() {
				value := label.GetValue()
				if label.GetName() == "go_version" {
					value = "*"
				}
				labels = append(labels, fmt.Sprintf("%s=%q", label.GetName(), value))
			}
			name := family.GetName()
			if len(labels) > 0 {
				name += "{" + strings.Join(labels, ",") + "}"
			}
			samples[name] = metric.GetGauge().GetValue() + metric.GetCounter().GetValue() + metric.GetHistogram().GetSampleSum()
		}
	}
	return samples
}

// Whatever clients open, the number of time series is bounded.
func TestDatabasesAreBounded(t *testing.T) {
	s := startSite(t, boltlog.Options{}, asIs)
	const few, all = 20, 23
	for i := range all {
		c := s.connect(t, fmt.Sprintf("db%02d", i))
		c.send(identity("c"))
		for k := range 1 + i%2 { // half of them have two changes
			c.send(create(fmt.Sprint(k), false))
			c.await("ack")
		}
	}
	s.connect(t, "other").send(identity("c"))
	samples := s.samples(t)
	heads := map[string]float64{}
	for sample, value := range samples {
		if strings.HasPrefix(sample, "syncabled_database_head_revision") {
			heads[sample] = value
		}
	}
	if len(heads) != few+1 {
		t.Errorf("%d databases have metrics, want %d: %v", len(heads), few+1, slices.Sorted(maps.Keys(heads)))
	}
	if rest := heads[`syncabled_database_head_revision{database="_other"}`]; rest != all-few {
		t.Errorf("the heads of the others add up to %v, want %v", rest, all-few)
	}
	if busy := heads[`syncabled_database_head_revision{database="db21"}`]; busy != 2 {
		t.Errorf("the head of a busy one is %v, want 2", busy)
	}
}

func TestCommitsThatFail(t *testing.T) {
	registry := prometheus.NewRegistry()
	m, err := admin.Register(registry, admin.Build{})
	if err != nil {
		t.Fatal(err)
	}
	m.ObserveCommit(revlog.Commit{Commands: 1, Err: fmt.Errorf("commit: %w", revlog.ErrFull)})
	m.ObserveCommit(revlog.Commit{Commands: 1, Err: errors.New("another")})
	m.ObserveCommit(revlog.Commit{Commands: 1, Outcome: revlog.Outcome{Trimmed: 1, Merged: 2, Repaired: 3, Refused: 4, Resyncs: 5}})
	got := (&site{registry: registry}).samples(t)
	for sample, want := range map[string]float64{
		`syncabled_commit_failures_total{reason="full"}`:      1,
		`syncabled_commit_failures_total{reason="other"}`:     1,
		`syncabled_commit_sets`:                               1,
		`syncabled_conflicts_resolved_total{kind="trimmed"}`:  1,
		`syncabled_conflicts_resolved_total{kind="merged"}`:   2,
		`syncabled_conflicts_resolved_total{kind="repaired"}`: 3,
		`syncabled_changes_refused_total`:                     4,
		`syncabled_resyncs_total`:                             5,
	} {
		if got[sample] != want {
			t.Errorf("%s is %v, want %v", sample, got[sample], want)
		}
	}
	if _, err := admin.Register(registry, admin.Build{}); err == nil {
		t.Error("the same metrics could be added twice")
	}
}

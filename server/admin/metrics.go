package admin

import (
	"cmp"
	"errors"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"syncabled/revlog"
)

// Metrics are those that are counted as things happen: of commits. What the server
// counts itself is looked up by a [collector].
type Metrics struct {
	duration  prometheus.Histogram
	sets      prometheus.Histogram
	failures  *prometheus.CounterVec // by reason
	entries   prometheus.Counter
	conflicts *prometheus.CounterVec // by kind
	refused   prometheus.Counter
	resyncs   prometheus.Counter
}

// Register adds metrics to a registry: of commits, of the process, and of the
// program.
func Register(registry prometheus.Registerer, build Build) (*Metrics, error) {
	m := &Metrics{
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "syncabled_commit_duration_seconds", Help: "How long commits took: resolving, writing and syncing a group of sets.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}),
		sets: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "syncabled_commit_sets", Help: "How many sets shared a commit.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 11),
		}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "syncabled_commit_failures_total", Help: "Commits that failed, by reason: full is a lack of room on the disk.",
		}, []string{"reason"}),
		entries: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "syncabled_entries_committed_total", Help: "Entries that were added to logs: accepted changes and marks of repairs.",
		}),
		conflicts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "syncabled_conflicts_resolved_total", Help: "Changes that met what others had done, by what became of them.",
		}, []string{"kind"}),
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "syncabled_changes_refused_total", Help: "Changes that can never be accepted, and were kept for the operator.",
		}),
		resyncs: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "syncabled_resyncs_total", Help: "Clients that were sent everything after their position anew.",
		}),
	}
	about := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "syncabled_build_info", Help: "1, with the version, the commit and the Go version of the program.",
		ConstLabels: prometheus.Labels{"version": build.Version, "commit": cmp.Or(build.Commit, "unknown"), "go_version": runtime.Version()},
	})
	about.Set(1)
	for _, reason := range []string{failedFull, failedOther} {
		m.failures.WithLabelValues(reason)
	}
	for _, kind := range []string{kindTrimmed, kindMerged, kindDropped, kindRepaired} {
		m.conflicts.WithLabelValues(kind)
	}
	var errs []error
	for _, c := range []prometheus.Collector{
		m.duration, m.sets, m.failures, m.entries, m.conflicts, m.refused, m.resyncs, about,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		errs = append(errs, registry.Register(c))
	}
	return m, errors.Join(errs...)
}

// Values of labels.
const (
	failedFull  = "full"
	failedOther = "other"

	kindTrimmed  = "trimmed"  // of an update, some key paths were left
	kindMerged   = "merged"   // into an object created anew went what others had updated
	kindDropped  = "dropped"  // nothing was left
	kindRepaired = "repaired" // the client is sent the object again
)

// ObserveCommit takes in a commit. It is [boltlog.Options.Observe].
func (m *Metrics) ObserveCommit(c revlog.Commit) {
	switch {
	case errors.Is(c.Err, revlog.ErrFull):
		m.failures.WithLabelValues(failedFull).Inc()
		return
	case c.Err != nil:
		m.failures.WithLabelValues(failedOther).Inc()
		return
	}
	m.duration.Observe(c.Duration.Seconds())
	m.sets.Observe(float64(c.Commands))
	m.entries.Add(float64(c.Entries))
	if c.Outcome == (revlog.Outcome{}) {
		return
	}
	m.conflicts.WithLabelValues(kindTrimmed).Add(float64(c.Outcome.Trimmed))
	m.conflicts.WithLabelValues(kindMerged).Add(float64(c.Outcome.Merged))
	m.conflicts.WithLabelValues(kindDropped).Add(float64(c.Outcome.Dropped))
	m.conflicts.WithLabelValues(kindRepaired).Add(float64(c.Outcome.Repaired))
	m.refused.Add(float64(c.Outcome.Refused))
	m.resyncs.Add(float64(c.Outcome.Resyncs))
}

package admin

import (
	"cmp"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"syncabled/protocol"
	"syncabled/revlog/boltlog"
	"syncabled/server"
)

// A collector looks up what the server counts and does.
type collector struct {
	server  *server.Server
	dir     *boltlog.Dir
	expires func() time.Time // of the certificate; nil without TLS

	// Of the server.
	ready        *prometheus.Desc
	sessions     *prometheus.Desc
	accepted     *prometheus.Desc
	refused      *prometheus.Desc // by reason
	authFailures *prometheus.Desc // by code
	closed       *prometheus.Desc // by code
	messagesIn   *prometheus.Desc
	messagesOut  *prometheus.Desc
	sets         *prometheus.Desc
	changesIn    *prometheus.Desc
	changesOut   *prometheus.Desc
	ahead        *prometheus.Desc
	collisions   *prometheus.Desc
	stuck        *prometheus.Desc
	conflicts    *prometheus.Desc // of identities
	lagging      *prometheus.Desc
	lag          *prometheus.Desc
	lagSeconds   *prometheus.Desc
	diskFree     *prometheus.Desc
	lastBackup   *prometheus.Desc
	certificate  *prometheus.Desc

	// Of databases.
	open    *prometheus.Desc
	failed  *prometheus.Desc
	members *prometheus.Desc
	head    *prometheus.Desc
	size    *prometheus.Desc
	objects *prometheus.Desc
	held    *prometheus.Desc
}

func newCollector(config Config) *collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("syncabled_"+name, help, labels, nil)
	}
	return &collector{
		server:       config.Server,
		dir:          config.Dir,
		expires:      config.CertificateExpires,
		ready:        desc("ready", "1 if the server is ready for clients, 0 if /readyz says why not."),
		sessions:     desc("sessions", "Connections that have a session."),
		accepted:     desc("connections_accepted_total", "Connections that got a session."),
		refused:      desc("connections_refused_total", "Connections that got none, by reason.", "reason"),
		authFailures: desc("auth_failures_total", "Handshakes without the right to connect, by the code of the refusal.", "code"),
		closed:       desc("connections_closed_total", "Sessions that have ended, by close code.", "code"),
		messagesIn:   desc("messages_received_total", "Messages from clients."),
		messagesOut:  desc("messages_sent_total", "Messages to clients."),
		sets:         desc("sets_received_total", "Sets of changes, or parts of them, that were acknowledged."),
		changesIn:    desc("changes_received_total", "Changes of the sets that were acknowledged."),
		changesOut:   desc("changes_sent_total", "Changes that were sent to clients."),
		ahead:        desc("clients_ahead_total", "Clients that have seen more than their database has: its data is new, or older."),
		collisions:   desc("key_collisions_total", "Sets of which an object was dropped because clients count the keys of a table by themselves."),
		stuck:        desc("clients_stuck_total", "Clients that come back again and again without having applied what they were sent."),
		conflicts:    desc("identity_conflicts_total", "Identities that two devices use at the same time."),
		lagging:      desc("sessions_lagging", "Sessions to which something has yet to be sent."),
		lag:          desc("push_lag_revisions", "Revisions that the session furthest behind has yet to be sent."),
		lagSeconds:   desc("push_lag_seconds", "How long there has been something to send to the session for which that is longest."),
		diskFree:     desc("disk_free_bytes", "Bytes that are free on the disk of the data folder."),
		lastBackup:   desc("last_backup_timestamp_seconds", "When all databases were last copied by the command backup, 0 if they never were."),
		certificate:  desc("certificate_expiry_timestamp_seconds", "When the certificate expires; only with TLS."),
		open:         desc("databases_open", "Databases whose file is open."),
		failed:       desc("databases_failed", "Databases that stay closed until the server is restarted, because their files could not be read."),
		members:      desc("database_sessions", "Sessions of a database.", "database"),
		head:         desc("database_head_revision", "Revision of the last entry of a database.", "database"),
		size:         desc("database_size_bytes", "Size of the file of a database.", "database"),
		objects:      desc("database_objects", "Objects in a database.", "database"),
		held:         desc("database_held_bytes", "Bytes held of sets that are not complete.", "database"),
	}
}

// Describe sends what there is to collect.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{
		c.ready, c.sessions, c.accepted, c.refused, c.authFailures, c.closed, c.messagesIn, c.messagesOut, c.sets,
		c.changesIn, c.changesOut, c.ahead, c.collisions, c.stuck, c.conflicts, c.lagging, c.lag, c.lagSeconds,
		c.diskFree, c.lastBackup, c.certificate,
		c.open, c.failed, c.members, c.head, c.size, c.objects, c.held,
	} {
		out <- desc
	}
}

// Collect sends everything as it is now.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	o := output(out)
	status := c.server.Status()
	o.gauge(c.ready, readiness(c.server.Ready()))
	if free, err := c.dir.FreeSpace(); err == nil {
		o.gauge(c.diskFree, float64(free))
	}
	o.gauge(c.failed, float64(len(c.dir.GivenUp())))
	o.gauge(c.lastBackup, c.lastBackupSeconds())
	if c.expires != nil {
		o.gauge(c.certificate, float64(c.expires().Unix()))
	}
	c.collectCounts(o, c.server.Counts())
	c.collectSessions(o, status.Sessions)
	c.collectDatabases(o, status.Databases)
}

// lastBackupSeconds returns 0, which sets off the alert, if it cannot be known.
func (c *collector) lastBackupSeconds() float64 {
	at, err := c.dir.LastBackup()
	if err != nil || at.IsZero() {
		return 0
	}
	return float64(at.Unix())
}

func readiness(trouble error) float64 {
	if trouble != nil {
		return 0
	}
	return 1
}

func (c *collector) collectCounts(o output, counts server.Counts) {
	o.counter(c.accepted, counts.Accepted)
	o.counter(c.messagesIn, counts.MessagesReceived)
	o.counter(c.messagesOut, counts.MessagesSent)
	o.counter(c.sets, counts.SetsReceived)
	o.counter(c.changesIn, counts.ChangesReceived)
	o.counter(c.changesOut, counts.ChangesSent)
	o.counter(c.ahead, counts.Ahead)
	o.counter(c.collisions, counts.Collisions)
	o.counter(c.stuck, counts.Stuck)
	o.counter(c.conflicts, counts.IdentityConflicts)
	for _, named := range []struct {
		desc   *prometheus.Desc
		counts map[string]int64
	}{{c.refused, counts.Refused}, {c.authFailures, counts.AuthFailures}, {c.closed, counts.Closed}} {
		for name, n := range named.counts {
			o.counter(named.desc, n, name)
		}
	}
}

func (c *collector) collectSessions(o output, sessions []server.SessionStatus) {
	lagging, lag, behind := 0, protocol.Revision(0), time.Duration(0)
	for _, s := range sessions {
		if s.Behind > 0 {
			lagging++
		}
		lag, behind = max(lag, s.Lag), max(behind, s.Behind)
	}
	o.gauge(c.sessions, float64(len(sessions)))
	o.gauge(c.lagging, float64(lagging))
	o.gauge(c.lag, float64(lag))
	o.gauge(c.lagSeconds, behind.Seconds())
}

// mostDatabases is how many databases have metrics of their own: those with the
// highest heads, which seldom change. The others are added up.
const mostDatabases = 20

// otherDatabases is the label of the others. No database can be called that.
const otherDatabases = "_other"

func (c *collector) collectDatabases(o output, databases []server.DatabaseStatus) {
	o.gauge(c.open, float64(len(databases)))
	slices.SortStableFunc(databases, func(a, b server.DatabaseStatus) int { return cmp.Compare(b.Log.Head, a.Log.Head) })
	for _, db := range databases[:min(mostDatabases, len(databases))] {
		c.collectDatabase(o, db)
	}
	if len(databases) <= mostDatabases {
		return
	}
	others := server.DatabaseStatus{Name: otherDatabases}
	for _, db := range databases[mostDatabases:] {
		others.Sessions += db.Sessions
		others.Log.Head += db.Log.Head
		others.Log.Size += db.Log.Size
		others.Log.Objects += db.Log.Objects
		others.Log.Held += db.Log.Held
	}
	c.collectDatabase(o, others)
}

func (c *collector) collectDatabase(o output, db server.DatabaseStatus) {
	o.gauge(c.members, float64(db.Sessions), db.Name)
	o.gauge(c.head, float64(db.Log.Head), db.Name)
	o.gauge(c.size, float64(db.Log.Size), db.Name)
	o.gauge(c.objects, float64(db.Log.Objects), db.Name)
	o.gauge(c.held, float64(db.Log.Held), db.Name)
}

// An output takes metrics.
type output chan<- prometheus.Metric

func (o output) gauge(desc *prometheus.Desc, value float64, labels ...string) {
	o <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
}

func (o output) counter(desc *prometheus.Desc, value int64, labels ...string) {
	o <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(value), labels...)
}

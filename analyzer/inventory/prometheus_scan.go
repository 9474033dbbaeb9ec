package inventory

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promapi"
)

// prometheusScan is the state of one scan. The steps that fill it follow each
// other; within a step, requests run at once and take the lock.
type prometheusScan struct {
	*prometheusSource
	from, to  time.Time
	head      promapi.TSDBStatus // zero when unknown
	uncounted []string           // metrics whose active series could not be counted, sorted
	jobs      []sentei.ScrapeJob
	twice     []sentei.DuplicateTarget
	intervals scrapeIntervals
	// From the server's configuration, see sentei.Inventory.
	externalLabels, remoteWrite []string
	// ownStorage says that the server answers from its own storage alone.
	ownStorage bool
	// indexOnly says that nothing may be asked that reads samples, so that
	// which series are active is not known: live is an estimate.
	indexOnly bool
	// otherCount says that active series were counted in another way than by
	// queries, so that a query may find fewer.
	otherCount bool
	// silentLimits says that the server cuts lists of label values without a
	// warning.
	silentLimits bool

	series *seriesLister // nil when the server's lists may be short
	listed sentei.Window // that series is known to cover

	mu      sync.Mutex
	touched int64 // series that requests have touched, see spend
	metrics map[string]*prometheusMetric
	found   []sentei.Problem
}

// prometheusMetric is what is known about one metric.
type prometheusMetric struct {
	meta promapi.Metadata
	jobs map[string]*prometheusJob
}

// prometheusJob is the series of one metric that carry one job label.
type prometheusJob struct {
	live       int64
	span       int64 // 0 when not counted
	labels     []sentei.LabelStats
	labelBytes float64 // of a series on average, 0 when unknown
	uncounted  bool    // live and span are what the server tells without a count, or 0
}

// job returns the entry, made if there is none. The lock must be held.
func (s *prometheusScan) job(metric, job string) *prometheusJob {
	m := s.metrics[metric]
	if m == nil {
		m = &prometheusMetric{jobs: make(map[string]*prometheusJob)}
		s.metrics[metric] = m
	}
	return m.job(job)
}

// job returns the entry, made if there is none.
func (m *prometheusMetric) job(job string) *prometheusJob {
	j := m.jobs[job]
	if j == nil {
		j = &prometheusJob{}
		m.jobs[job] = j
	}
	return j
}

func (m *prometheusMetric) live() (n int64) {
	for _, j := range m.jobs {
		n += j.live
	}
	return n
}

// problem notes something that could not be read. The message must be the same
// in every scan that meets the problem, since the problem is known by it; what
// varies goes into the hint.
func (s *prometheusScan) problem(blocking bool, message, hint string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.found = append(s.found, s.env.Problem(sentei.Problem{
		Where: s.client.URL(), Message: message, Hint: fmt.Sprintf(hint, args...), Blocking: blocking,
	}))
}

// problems returns what was noted: sorted, the first of those that are alike.
func (s *prometheusScan) problems() []sentei.Problem {
	slices.SortFunc(s.found, func(a, b sentei.Problem) int {
		return cmp.Or(cmp.Compare(a.Message, b.Message), cmp.Compare(a.Hint, b.Hint))
	})
	return slices.CompactFunc(s.found, func(a, b sentei.Problem) bool { return a.ID == b.ID })
}

// readHead reads the size of the head, which says how to count. It is not
// needed: without it the count is spread as if the head were large.
func (s *prometheusScan) readHead(ctx context.Context) {
	if info, err := s.client.BuildInfo(ctx); err == nil {
		s.env.Logger.Debug("asks a server", "version", info.Version)
	}
	head, err := s.client.TSDBStatus(ctx, 10_000) // the most that servers allow
	if err != nil {
		s.env.Logger.Debug("head statistics are not known", "err", err)
		return
	}
	s.head = head
}

// inventory puts the parts together.
func (s *prometheusScan) inventory() *sentei.Inventory {
	inv := &sentei.Inventory{
		Backend: s.env.Backend, Source: s.env.Name,
		From: s.from, To: s.to,
		ScrapeJobs: s.jobs, DuplicateTargets: s.twice, ExternalLabels: s.externalLabels, RemoteWrite: s.remoteWrite,
		Estimated: []string{"churn_per_hour", "disk_bytes_per_day", "ended_per_hour", "memory_bytes", "samples_per_second", "series_in_span"},
	}
	if s.series != nil {
		inv.Series, inv.Listed = s.series, s.listed
	}
	if s.indexOnly {
		inv.Estimated = append(inv.Estimated, "series")
		slices.Sort(inv.Estimated)
	}
	average := s.averageLabelBytes()
	for _, name := range slices.Sorted(maps.Keys(s.metrics)) {
		m := s.metrics[name]
		metric := sentei.Metric{Name: name, Type: m.meta.Type, Unit: m.meta.Unit, Help: m.meta.Help}
		for _, job := range slices.Sorted(maps.Keys(m.jobs)) {
			j := m.jobs[job]
			metric.Jobs = append(metric.Jobs, sentei.JobMetric{
				Job: job, Labels: j.labels, Cost: j.cost(s.intervals.of(name, job), average), Uncounted: j.uncounted,
			})
		}
		inv.Metrics = append(inv.Metrics, metric)
	}
	return inv
}

// Package reporttest holds the report that the tests of every exporter share.
// Nothing comes in; out comes a sentei.Report of a company with two backends:
// "prod", whose sources are all up, and "edge", where a dashboard cannot be
// read and the query log is short, so that nothing can be called unused.
//
// The figures hang together: a metric's cost is the sum of its jobs, money and
// score follow from the prices, and proposals are about what is unused.
package reporttest

import (
	"cmp"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
)

// at is the instant that every report of this package speaks of.
var at = time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC)

const (
	day      = 24 * time.Hour
	interval = 15 // seconds between two scrapes, in every job
)

func settings() sentei.Settings {
	return sentei.Settings{
		Window:    30 * day,
		MinWindow: 30 * day,
		Prices:    sentei.Prices{Currency: "EUR", PerThousandSeries: 6.50, PerGiBDisk: 0.10, RetentionDays: 90},
		Owners: sentei.Owners{Rules: []sentei.OwnerRule{
			{Owner: "platform", Matchers: []*labels.Matcher{labels.MustNewMatcher(labels.MatchRegexp, "job", "node.*|cadvisor|kube-.*")}},
			{Owner: "databases", Matchers: []*labels.Matcher{labels.MustNewMatcher(labels.MatchRegexp, "__name__", "pg_.*")}},
			{Owner: "ops", Matchers: []*labels.Matcher{labels.MustNewMatcher(labels.MatchRegexp, "state", "active|failed")}},
			{Owner: "shop", Matchers: []*labels.Matcher{labels.MustNewMatcher(labels.MatchRegexp, "job", "shop-.*")}},
		}},
	}
}

// Report returns a new copy of the realistic report: 36 metrics with all four
// verdicts, consumers of every kind, problems that block and problems that are
// accepted, and proposals at several scrape jobs.
func Report() *sentei.Report {
	r := &sentei.Report{
		Version:  sentei.ReportVersion,
		At:       at,
		Settings: settings(),
		Backends: backends(),
		Sources:  sources(),
		Problems: problems(),
		Findings: findings(),
	}
	ids := map[string]string{}
	for _, c := range consumers() {
		ids[c.key] = c.ID
		r.Consumers = append(r.Consumers, c.Consumer)
	}
	slices.SortFunc(r.Consumers, compareConsumers)

	specs := slices.Concat(shopMetrics(), clusterMetrics(), edgeMetrics())
	bill := map[string]float64{}
	for i := range specs {
		m := specs[i].report(ids)
		m.PerMonth = r.Settings.Prices.PerMonth(m.Cost)
		bill[m.Backend] += m.PerMonth
		r.Metrics = append(r.Metrics, m)
	}
	for i := range r.Metrics {
		m := &r.Metrics[i]
		m.Score = 100 * m.PerMonth / bill[m.Backend] * (1 - specs[i].use)
	}
	slices.SortFunc(r.Metrics, func(a, b sentei.MetricReport) int {
		return cmp.Or(cmp.Compare(a.Backend, b.Backend), cmp.Compare(a.Name, b.Name))
	})
	r.Proposals = proposals(r)
	return r
}

func compareConsumers(a, b sentei.Consumer) int {
	return cmp.Or(
		cmp.Compare(a.Kind, b.Kind),
		cmp.Compare(a.Backend, b.Backend),
		cmp.Compare(a.Location.String(), b.Location.String()),
		cmp.Compare(a.Name, b.Name),
	)
}

// A spec is a metric as the tables of this package write it down.
type spec struct {
	backend, name    string
	typ, unit, help  string
	jobs             []sentei.JobMetric
	verdict          sentei.Verdict
	jobVerdicts      []sentei.Verdict // in the order of jobs; nil: verdict for all
	use              float64          // how useful, 0 to 1: what the score takes off
	readers, deadFor []string         // keys of consumers
	reasons          []string
	recordedBy       string // key of a consumer
}

func (s spec) report(ids map[string]string) sentei.MetricReport {
	usage := func(v sentei.Verdict) sentei.Usage {
		u := sentei.Usage{Verdict: v, DeadReaders: resolve(ids, s.deadFor)}
		switch v {
		case sentei.Unknown:
			u.Reasons = s.reasons
		case sentei.Used, sentei.PartlyUsed:
			u.Readers = resolve(ids, s.readers)
		}
		return u
	}
	m := sentei.MetricReport{
		Backend:    s.backend,
		Metric:     sentei.Metric{Name: s.name, Type: s.typ, Unit: s.unit, Help: s.help, Jobs: s.jobs},
		Usage:      usage(s.verdict),
		RecordedBy: ids[s.recordedBy], // empty when no rule writes it
	}
	m.Cost = m.Metric.Cost()
	for i := range s.jobs {
		v := s.verdict
		if s.jobVerdicts != nil {
			v = s.jobVerdicts[i]
		}
		m.JobUsage = append(m.JobUsage, sentei.JobUsage{Usage: usage(v)})
	}
	return m
}

func resolve(ids map[string]string, keys []string) []string {
	var out []string
	for _, k := range keys {
		id, ok := ids[k]
		if !ok {
			panic("reporttest: no consumer " + k)
		}
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

// job returns the series of a metric in one job: live ones, those of the whole
// span, and the labels.
func job(name string, series, inSpan int64, labels ...sentei.LabelStats) sentei.JobMetric {
	const labelBytesPerSeries, bytesPerSample = 220, 1.4
	rate := float64(series) / interval
	return sentei.JobMetric{
		Job: name,
		Cost: sentei.Cost{
			Series:           series,
			SeriesInSpan:     inSpan,
			SamplesPerSecond: rate,
			ChurnPerHour:     float64(inSpan-series) / (30 * 24),
			EndedPerHour:     float64(inSpan-series) / (30 * 24),
			MemoryBytes:      sentei.HeadBytes(series, float64(series*labelBytesPerSeries)),
			DiskBytesPerDay:  rate * 86400 * bytesPerSample,
		},
		Labels: labels,
	}
}

// fixing returns the job with labels that determine each other, and with what
// removing them leaves.
func fixing(j sentei.JobMetric, left int64, labels ...string) sentei.JobMetric {
	for i := range j.Labels {
		l := &j.Labels[i]
		l.DeterminedBy = []string{}
		for _, by := range labels {
			if by != l.Name && slices.Contains(labels, l.Name) {
				l.DeterminedBy = append(l.DeterminedBy, by)
			}
		}
	}
	j.Reductions = append(j.Reductions, sentei.Reduction{Labels: labels, SeriesWithout: 2 * left, SeriesWithoutLive: left})
	return j
}

// label returns the statistics of a label with distinct values, after whose
// removal without series would remain of the live ones, and twice as many of
// the whole span.
func label(name string, series, distinct, without int64, top ...string) sentei.LabelStats {
	l := sentei.LabelStats{
		Name: name, Series: series, Distinct: distinct,
		SeriesWithout: 2 * without, SeriesWithoutLive: without,
		Complete: int64(len(top)) == distinct,
	}
	if without < 0 {
		l.SeriesWithout = -1
	}
	left := series
	for i, v := range top {
		n := left / 2
		if i == len(top)-1 && l.Complete {
			n = left
		}
		l.Values = append(l.Values, sentei.LabelValue{Value: v, Series: n})
		left -= n
	}
	slices.SortFunc(l.Values, func(a, b sentei.LabelValue) int {
		return cmp.Or(cmp.Compare(b.Series, a.Series), cmp.Compare(a.Value, b.Value))
	})
	return l
}

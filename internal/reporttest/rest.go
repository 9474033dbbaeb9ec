package reporttest

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/sentei/sentei"
)

func backends() []sentei.Backend {
	return []sentei.Backend{
		{
			Name: "edge", From: at.Add(-30 * day), To: at,
			ScrapeJobs: scrapeJobs("blackbox", "node"), Estimated: []string{"disk_bytes_per_day", "memory_bytes"},
		},
		{
			Name: "prod", From: at.Add(-30 * day), To: at,
			ScrapeJobs: scrapeJobs("cadvisor", "ingress", "ingress-canary", "kube-state-metrics", "node", "node-batch", "postgres", "shop-api", "shop-checkout"),
			Estimated:  []string{"memory_bytes"}, Budget: sentei.Budget{Series: 1_000_000, PerMonth: 9_000},
		},
	}
}

func scrapeJobs(names ...string) []sentei.ScrapeJob {
	var out []sentei.ScrapeJob
	for _, n := range names {
		out = append(out, sentei.ScrapeJob{Name: n, JobLabels: []string{n}, Interval: interval * time.Second, Targets: 24})
	}
	return out
}

func sources() []sentei.SourceStatus {
	month := sentei.Window{From: at.Add(-30 * day), To: at}
	return []sentei.SourceStatus{
		{Backend: "prod", Name: "prometheus", Kind: "prometheus", Up: true, Items: 30, Window: month, Took: 1840 * time.Millisecond},
		{Backend: "prod", Name: "prometheus_rules", Kind: "prometheus_rules", Class: sentei.ClassRules, Up: true, Items: 12, Took: 60 * time.Millisecond},
		{Backend: "prod", Name: "grafana", Kind: "grafana", Class: sentei.ClassDashboards, Up: true, Items: 14, Took: 2210 * time.Millisecond},
		{Backend: "prod", Name: "query_log", Kind: "query_log", Class: sentei.ClassQueries, Up: true, Items: 3, Window: month, Took: 912 * time.Millisecond},
		{Backend: "prod", Name: "declared", Kind: "declared", Class: sentei.ClassDeclared, Up: true, Items: 1, Took: time.Millisecond},
		{Backend: "edge", Name: "prometheus", Kind: "prometheus", Up: true, Items: 6, Window: month, Took: 240 * time.Millisecond},
		{Backend: "edge", Name: "prometheus_rules", Kind: "prometheus_rules", Class: sentei.ClassRules, Up: true, Items: 1, Took: 40 * time.Millisecond},
		{Backend: "edge", Name: "grafana", Kind: "grafana", Class: sentei.ClassDashboards, Up: true, Items: 1, Took: 388 * time.Millisecond},
		{Backend: "edge", Name: "grafana#2", Kind: "grafana", Class: sentei.ClassDashboards, Took: 30 * time.Second},
		{
			Backend: "edge", Name: "query_log", Kind: "query_log", Class: sentei.ClassQueries, Up: true, Items: 0,
			Window: sentei.Window{From: at.Add(-49 * time.Hour), To: at}, Took: 15 * time.Millisecond,
		},
	}
}

func findings() []sentei.Finding {
	return []sentei.Finding{
		{
			ID: "6f0d1c9be211", Backend: "prod", Rule: "duplicate_series", Where: "scrape jobs node and node-batch",
			Message: "3 targets are scraped by both: 1 200 series differ in the job label alone", Hint: "Keep one of the two.",
			Cost: sentei.Cost{Series: 1200, SeriesInSpan: 1300, SamplesPerSecond: 80}, PerMonth: 7.8,
		},
		{
			ID: "0a9be2105f1c", Backend: "prod", Rule: "no_op_relabel_rule", Where: "prometheus.yml:42, scrape job shop-api, metric_relabel_configs[1]",
			Message: "the rule asks for le as `1|5`, which is stored as 1.0 and 5.0", Hint: "Write `(1|5)(\\.0)?`.",
		},
	}
}

func problems() []sentei.Problem {
	return []sentei.Problem{
		problem(sentei.Problem{
			Backend: "edge", Source: "grafana", Where: `dashboard "Branch offices", panel Lines`,
			Message:  "1:18: parse error: unclosed left parenthesis",
			Hint:     "Repair or delete the panel, or accept the problem in the configuration.",
			Blocking: true,
		}),
		problem(sentei.Problem{
			Backend: "edge", Source: "grafana#2",
			Message:  "get https://grafana.edge.example.com/api/search: context deadline exceeded",
			Hint:     "Check the address and that sentei may reach it.",
			Blocking: true,
		}),
		shortLog("edge", "2d1h"),
		problem(sentei.Problem{
			Backend: "prod", Source: "grafana", Where: `dashboard "Playground", panel Test | 2`,
			Message:  "1:7: parse error: unexpected end of input",
			Hint:     "Repair or delete the panel, or accept the problem in the configuration.",
			Accepted: "A playground that nobody relies on.",
		}),
		problem(sentei.Problem{
			Backend: "prod", Source: "query_log", Where: "/var/log/prometheus/query.log:18233",
			Message: "the last line is cut off; it is read again in the next scan",
		}),
	}
}

func shortLog(backend, covered string) sentei.Problem {
	return problem(sentei.Problem{
		Backend: backend, Source: "query_log",
		Message:  "the query log covers less time than analysis.min_window",
		Hint:     "It covers " + covered + " of 30d: wait, keep older log files in its path, or lower analysis.min_window.",
		Blocking: true,
	})
}

func problem(p sentei.Problem) sentei.Problem {
	p.ID = sentei.HashID("problem", p.Backend, p.Source, p.Where, p.Message)
	return p
}

// proposals proposes to drop what is unused in each job, as the rules would.
func proposals(r *sentei.Report) []sentei.Proposal {
	var out []sentei.Proposal
	for i := range r.Metrics {
		m := &r.Metrics[i]
		for k := range m.Jobs {
			if m.JobUsage[k].Verdict == sentei.Unused && m.RecordedBy == "" && m.DeadReaders == nil {
				out = append(out, proposal(r, m, &m.Jobs[k]))
			}
		}
	}
	slices.SortFunc(out, func(a, b sentei.Proposal) int {
		return cmp.Or(cmp.Compare(b.SavingPerMonth, a.SavingPerMonth), cmp.Compare(a.ID, b.ID))
	})
	return out
}

func proposal(r *sentei.Report, m *sentei.MetricReport, j *sentei.JobMetric) sentei.Proposal {
	p := sentei.Proposal{
		ID:   sentei.HashID("drop_unused_metric", m.Backend, j.Job, m.Name),
		Rule: "drop_unused_metric", Grade: sentei.GradeA, State: sentei.Pending,
		Place:          sentei.Place{Backend: m.Backend, ScrapeJob: j.Job, Job: j.Job, Shared: j.Job == "node-batch"},
		Action:         sentei.Action{Kind: sentei.DropMetric, Metric: m.Name},
		Saving:         j.Cost,
		SavingPerMonth: r.Settings.Prices.PerMonth(j.Cost),
		Evidence: []sentei.Evidence{
			{Claim: fmt.Sprintf("%d series are stored.", j.Cost.Series), Query: fmt.Sprintf(`count({__name__=%q,job=%q})`, m.Name, j.Job)},
			{Claim: "None of 12 rules, 14 dashboard queries and 3 logged queries of the last 30 days reads it."},
		},
		Proof: &sentei.Proof{
			Theorem:   "Series that no selector of a living consumer can match may go: every result stays the same, to the bit.",
			Consumers: 29, Selectors: 41,
			Executed: &sentei.Executed{Series: 2 * j.Cost.SeriesInSpan, Changed: j.Cost.SeriesInSpan, Distinct: true},
		},
		Risk:     "Somebody may look at it by hand who has not done so in 30 days.",
		Check:    fmt.Sprintf("Run `sentei explain metric %s` and ask whoever runs the job %q.", m.Name, j.Job),
		Rollback: "Take the rule out again and reload Prometheus. What was not stored meanwhile stays missing.",
	}
	if m.Verdict == sentei.PartlyUsed {
		p.Grade = sentei.GradeASteady
	}
	return p
}

// Empty returns the report of a scan that found nothing and had no sources.
func Empty() *sentei.Report {
	return &sentei.Report{Version: sentei.ReportVersion, At: at, Settings: settings()}
}

// Unknown returns the report with every verdict unknown and no proposals, as
// after a first scan with a query log that has just begun, and without prices.
func Unknown() *sentei.Report {
	r := Report()
	r.Settings.Prices = sentei.Prices{}
	r.Proposals = nil
	r.Problems = []sentei.Problem{shortLog("edge", "2h"), shortLog("prod", "2h")}
	reasons := []string{"query_log: " + r.Problems[0].Message}
	for i := range r.Metrics {
		m := &r.Metrics[i]
		m.Usage = sentei.Usage{Verdict: sentei.Unknown, Reasons: reasons}
		m.PerMonth, m.Score = 0, 0
		for k := range m.JobUsage {
			m.JobUsage[k] = sentei.JobUsage{Usage: m.Usage}
		}
	}
	for i := range r.Sources {
		r.Sources[i].Up = true
		if r.Sources[i].Class == sentei.ClassQueries {
			r.Sources[i].Window = sentei.Window{From: at.Add(-2 * time.Hour), To: at}
		}
	}
	return r
}

// Large returns the report with many more metrics on prod, whose verdicts take
// turns.
func Large(metrics int) *sentei.Report {
	r := Report()
	verdicts := sentei.Verdicts()
	for i := range metrics {
		j := job(fmt.Sprintf("job-%d", i%50), int64(i), int64(2*i))
		v := verdicts[i%len(verdicts)]
		m := sentei.MetricReport{
			Backend:  "prod",
			Metric:   sentei.Metric{Name: fmt.Sprintf("zz_metric_%06d", i), Jobs: []sentei.JobMetric{j}},
			Usage:    sentei.Usage{Verdict: v},
			JobUsage: []sentei.JobUsage{{Usage: sentei.Usage{Verdict: v}}},
			Cost:     j.Cost, PerMonth: r.Settings.Prices.PerMonth(j.Cost),
		}
		r.Metrics = append(r.Metrics, m)
		if v == sentei.Unused {
			r.Proposals = append(r.Proposals, proposal(r, &m, &j))
		}
	}
	return r
}

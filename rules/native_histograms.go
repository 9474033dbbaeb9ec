package rules

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/source"
)

const nativeHistogramsKind = "native_histograms"

type nativeHistogramsOptions struct {
	Enabled   bool  `yaml:"enabled"`
	MinSeries int64 `yaml:"min_series"`
}

func nativeHistograms() Info {
	return source.New(nativeHistogramsKind, sentei.Doc{
		Title: "Store classic histograms as native ones with the same buckets, and rewrite what reads them",
		Text: `Proposes ` + "`convert_classic_histograms_to_nhcb: true`" + ` for a scrape job: Prometheus then stores each classic histogram as one series
in the place of all its buckets, _count and _sum. **It is grade C and proposes nothing unless you set ` + "`enabled: true`" + `:** the
queries have to change with it, and the proposal shows each of them as it must become.

It is proposed only where every reader of every histogram of the job has a form with a counterpart that gives the same:

| reads | becomes |
|---|---|
| histogram_quantile(q, sum by (le, …) (rate(h_bucket[r]))), also without sum, or histogram_fraction | histogram_quantile(q, sum by (…) (rate(h[r]))) |
| rate(h_count[r]), rate(h_sum[r]), and rate of the bucket +Inf | histogram_count(rate(h[r])), histogram_sum(rate(h[r])), with le="+Inf" put back by label_replace where the result of a bucket has it |
| sum, avg, min or max of h_count or h_sum | the same of histogram_count(h) or histogram_sum(h) |
| sum(rate(h_bucket{le="b"}[r])) / sum(rate(h_count[r])) | histogram_fraction(-Inf, b, sum(rate(h[r]))) |

Any other form, a reader in MetricsQL, a Grafana variable outside of strings and ranges or the query of one, or a reader that does not name the
metric, keeps the job as it is; a problem says which. So does a histogram whose series have different buckets, or one that another
scrape job brings as well.

**What changes.** Rates agree to the last digits, but where a counter is young: Prometheus extrapolates each classic series
towards its own zero, and a native histogram as a whole. Old data stay classic, so a rewritten query sees nothing from before, and
an old one nothing from after; for the length of the longest range both are incomplete. Relabel rules that name _bucket, _count or _sum
no longer match.

**What it needs.** Prometheus 3.0 or newer, before 3.9 with ` + "`--enable-feature=native-histograms`" + `; readers that know native histograms; remote
write 2.0 where the job is sent on, since 1.0 leaves them out.

**The saving** is in series. Bytes are not counted: a native histogram takes more of them than a float. Some vendors bill native histograms by their
buckets; there it saves _count and _sum alone.`,
		Example: `native_histograms:
  enabled: true
  # Propose nothing that saves fewer active series.
  min_series: 100
`,
	}, nativeHistogramsOptions{MinSeries: 100}, func(o nativeHistogramsOptions, _ source.Env) (Rule, error) {
		if o.MinSeries < 1 {
			return nil, errors.New("min_series must be 1 or more")
		}
		return o, nil
	})
}

// Propose implements Rule.
func (o nativeHistogramsOptions) Propose(_ context.Context, in *Input) (Made, error) {
	var all Made
	if !o.Enabled {
		return all, nil
	}
	x := in.index()
	for i := range x.report.Backends {
		b := &x.report.Backends[i]
		unsure := x.unsure(b)
		for k := range b.ScrapeJobs {
			s := &b.ScrapeJobs[k]
			c := x.conversion(b, s)
			if c.saved.Series < o.MinSeries || len(c.families) == 0 {
				continue
			}
			reason := unsure
			if reason == "" {
				reason = c.unless
			}
			if reason != "" {
				all.Problems = append(all.Problems, problem(sentei.Problem{
					Backend: b.Name, Source: nativeHistogramsKind, Where: fmt.Sprintf("scrape job %q", s.Name),
					Message: fmt.Sprintf("not proposed: to store %s as native ones, which would save %s, because %s",
						count(len(c.families), "classic histogram"), count(c.saved.Series, "series"), reason),
				}))
				continue
			}
			all.Proposals = append(all.Proposals, o.proposal(x, b, s, &c))
		}
	}
	return all, nil
}

func (o nativeHistogramsOptions) proposal(x *index, b *sentei.Backend, s *sentei.ScrapeJob, c *conversion) sentei.Proposal {
	names := make([]string, 0, len(c.families))
	for name := range c.families {
		names = append(names, name)
	}
	slices.Sort(names)
	p := sentei.Proposal{
		ID:   sentei.HashID(nativeHistogramsKind, b.Name, s.Name, string(sentei.ConvertHistograms)),
		Rule: nativeHistogramsKind, Grade: sentei.GradeC, State: sentei.Pending,
		Place:     sentei.Place{Backend: b.Name, ScrapeJob: s.Name},
		Action:    sentei.Action{Kind: sentei.ConvertHistograms, Histograms: names, Rewrites: c.rewrites},
		Saving:    c.saved,
		Transient: c.longest,
		Evidence: slices.Concat([]sentei.Evidence{
			{
				Claim: fmt.Sprintf("The job brings %s: %s.", count(len(names), "classic histogram"), strings.Join(names[:min(len(names), 8)], ", ")),
				Query: fmt.Sprintf("count by (__name__) ({__name__=~%q,job=~%q,le=\"+Inf\"})", ".+_bucket", strings.Join(s.JobLabels, "|")),
			},
			{Claim: fmt.Sprintf("All that read them can be rewritten: %s.", count(len(c.rewrites), "expression"))},
		}, sourcesRead(x.report, b.Name)),
		Risk: "Every query that is not rewritten returns nothing from then on. Data from before stay classic. Rates of young counters differ. " +
			"Relabel rules that name _bucket, _count or _sum no longer match. Some vendors bill native histograms by bucket.",
		Check:    "Set always_scrape_classic_histograms: true beside it at first, which keeps both, and compare each rewritten query with the old one.",
		Rollback: "Take convert_classic_histograms_to_nhcb away, reload, and use the old queries; the time between stays native.",
	}
	p.SavingPerMonth = x.report.Settings.Prices.PerMonth(p.Saving)
	return p
}

// partsOf returns the metrics of a classic histogram that the backend stores.
func (x *index) partsOf(backend, family string) []*sentei.MetricReport {
	var out []*sentei.MetricReport
	for _, name := range classicParts(family) {
		if m := x.metric(backend, name); m != nil {
			out = append(out, m)
		}
	}
	return out
}

// familyOf returns the name of the classic histogram whose buckets the metric
// holds in the job, or "".
func familyOf(m *sentei.MetricReport, job *sentei.JobMetric) string {
	family, ok := strings.CutSuffix(m.Name, "_bucket")
	if !ok || job.Histogram == nil || len(job.Histogram.Bounds) == 0 || job.Label(model.BucketLabel) == nil {
		return ""
	}
	return family
}

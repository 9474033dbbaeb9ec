package rehearsal

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/preagg"
)

// aggregate proposes to store the metric of the job api without labels, with
// what the consumers that can be rewritten become.
func aggregate(t testing.TB, r *sentei.Report, metric, function string, series sentei.SeriesType, tolerance float64, labels ...string) {
	t.Helper()
	of := preagg.Aggregate{Metric: metric, Job: "api", Labels: labels, Function: function, Series: series}
	p := sentei.Proposal{
		ID: "agg", Grade: sentei.GradeC, Place: sentei.Place{Backend: "b", ScrapeJob: "api", Job: "api", Shared: true}, Tolerance: tolerance,
		Action: sentei.Action{Kind: sentei.Aggregate, Metric: metric, Labels: labels, Function: function, Series: series, Interval: time.Minute},
	}
	have := map[string]bool{}
	for _, c := range r.Consumers {
		to, recordings, err := of.Rewrite(c.Expression)
		if err != nil || len(recordings) == 0 {
			continue
		}
		p.Action.Rewrites = append(p.Action.Rewrites, sentei.Rewrite{Consumer: c.ID, From: c.Text, To: to})
		for _, rec := range recordings {
			if !have[rec.Record] {
				have[rec.Record] = true
				p.Action.Recordings = append(p.Action.Recordings, rec)
			}
		}
	}
	r.Proposals = append(r.Proposals, p)
}

// rehearseProposals rehearses all proposals of the report.
func rehearseProposals(t testing.TB, r *sentei.Report, d *Data) *Result {
	t.Helper()
	in := Input{Report: r, Backend: "b", Data: d}
	in.AddProposals(&r.Backends[0])
	if len(in.Refused) > 0 {
		t.Fatal(in.Refused)
	}
	res, err := Run(t.Context(), in, DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// wave is a level that swings.
func wave(mean, height float64, period int) func(int) float64 {
	return func(i int) float64 { return mean + height*math.Sin(2*math.Pi*float64(i)/float64(period)) }
}

// restarted is a counter that begins anew after some samples.
func restarted(f func(int) float64, every int) func(int) float64 {
	return func(i int) float64 { return f(i % every) }
}

// TestAggregation measures readers of different forms.
func TestAggregation(t *testing.T) {
	var g generator
	name := func(metric, pod string, more ...string) []string {
		return append([]string{"__name__", metric, "job", "api", "pod", pod}, more...)
	}
	for p, pod := range []string{"a", "b", "c"} {
		g.whole(restarted(counter(float64(p+1)), 90+70*p), name("requests_total", pod, "code", "200")...)
		g.whole(counter(0.1), name("requests_total", pod, "code", "500")...)
		g.whole(wave(20, 10, 40), name("queue", pod)...)
		g.whole(constant(float64(p)), name("limit", pod)...)
		g.add(time.Duration(p)*20*time.Minute+30*time.Second, time.Duration(p+2)*20*time.Minute, constant(3), name("temp", pod)...)
	}
	d := g.block(t)
	recorded := consumer(sentei.RecordingRule, "rule", `sum by (code) (rate(requests_total[5m]))`)
	recorded.Records = "code:requests:rate5m"
	tests := map[string]struct {
		metric, function string
		series           sentei.SeriesType
		tolerance        float64
		consumers        []sentei.Consumer
		status           map[string]Status // of consumers
		differences      []string          // "consumer kind"
		exact            bool              // no value is off
	}{
		"rates": {
			"requests_total", "sum", sentei.CounterSeries, 0.05,
			[]sentei.Consumer{
				consumer(sentei.Dashboard, "rates", `sum by (code) (rate(requests_total[5m]))`),
				consumer(sentei.Dashboard, "share", `sum(rate(requests_total{code="500"}[5m])) / sum(rate(requests_total[5m]))`),
				consumer(sentei.AlertingRule, "high", `sum(rate(requests_total[5m])) > 1000`), // never fires
			}, map[string]Status{"rates": Within, "share": Within, "high": Within}, nil, false,
		},
		"a limit, exactly": {
			"limit", "max", "", 1e-9,
			[]sentei.Consumer{
				consumer(sentei.Dashboard, "limit", `max(limit)`), consumer(sentei.AlertingRule, "low", `max(limit) < 3`),
				consumer(sentei.AlertingRule, "gone", `absent(limit)`),
			}, map[string]Status{"limit": Within, "low": Within, "gone": Within}, nil, true,
		},
		"beyond the tolerance": {
			"queue", "sum", sentei.GaugeSeries, 0.05,
			[]sentei.Consumer{consumer(sentei.Dashboard, "queue", `sum(queue)`)}, map[string]Status{"queue": Differs}, []string{"queue value"}, false,
		},
		"a wider tolerance": {
			"queue", "sum", sentei.GaugeSeries, 1,
			[]sentei.Consumer{consumer(sentei.Dashboard, "queue", `sum(queue)`)}, map[string]Status{"queue": Within}, nil, false,
		},
		"the threshold of an alert lies within the error": {
			"queue", "sum", sentei.GaugeSeries, 1,
			[]sentei.Consumer{consumer(sentei.AlertingRule, "full", `sum(queue) > 70`)}, map[string]Status{"full": Differs}, []string{"full alert"}, false,
		},
		"a threshold that nothing reaches": {
			"queue", "sum", sentei.GaugeSeries, 1,
			[]sentei.Consumer{consumer(sentei.AlertingRule, "full", `sum(queue) > 700`)}, map[string]Status{"full": Within}, nil, false,
		},
		"who is not rewritten loses its series": {
			"queue", "sum", sentei.GaugeSeries, 1,
			[]sentei.Consumer{consumer(sentei.Dashboard, "queue", `sum(queue)`), consumer(sentei.Dashboard, "each", `quantile(0.5, queue)`)},
			map[string]Status{"queue": Within, "each": Differs}, []string{"each series"}, false,
		},
		"what is recorded from it, and its readers": {
			"requests_total", "sum", sentei.CounterSeries, 0.05,
			[]sentei.Consumer{
				recorded, consumer(sentei.Dashboard, "read", `sum(code:requests:rate5m)`),
				consumer(sentei.AlertingRule, "high", `sum(code:requests:rate5m) > 0.415`),
			}, map[string]Status{"rule": Within, "read": Within, "high": Differs}, []string{"high alert"}, false,
		},
		"lists": {
			"temp", "sum", sentei.GaugeSeries, 1,
			[]sentei.Consumer{func() sentei.Consumer {
				c := consumer(sentei.Dashboard, "jobs", `label_values(temp, job)`)
				c.VariableQuery = true
				return c
			}()}, map[string]Status{"jobs": Within}, nil, true,
		},
		"series that come and go": {
			"temp", "sum", sentei.GaugeSeries, 0.05,
			[]sentei.Consumer{consumer(sentei.Dashboard, "temp", `sum by (job) (temp)`)}, map[string]Status{"temp": Differs}, []string{"temp value"}, false,
		},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			r := report(tt.consumers...)
			aggregate(t, r, tt.metric, tt.function, tt.series, tt.tolerance, "pod")
			res := rehearseProposals(t, r, d)
			status := map[string]Status{}
			for _, o := range res.Outcomes {
				status[o.Consumers[0].ID] = o.Status
				if o.Reason != "" {
					t.Error(o.Reason)
				}
			}
			if diff := cmp.Diff(tt.status, status); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			var differences []string
			for _, x := range res.Differences {
				differences = append(differences, x.Consumers[0].ID+" "+x.Kind)
				t.Logf("%s at %s, %d instants: %s", x.Expr, x.At, x.Instants, x.Detail)
			}
			if diff := cmp.Diff(tt.differences, differences); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			for _, e := range res.Errors {
				t.Logf("%s: max %.4f median %.4f aligned %.2g age %s of %d: %s", e.Expr, e.Max, e.Median, e.Aligned, e.Age, e.Instants, e.Detail)
				if e.Max < e.Median || e.Max < e.Aligned || tt.exact && e.Max > 1e-12 || !tt.exact && !strings.HasPrefix(e.Expr, "sum(code:") && e.Aligned > 1e-9 {
					t.Errorf("%+v", e)
				}
			}
			if c := res.Changes[0]; c.Differs != (len(tt.differences) > 0) || c.Series == 0 || res.Clean() == c.Differs {
				t.Errorf("%+v", c)
			}
		})
	}
}

package rules

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/source"
)

// constantList is an inventory that also says what values a metric has.
type constantList struct {
	list
	sentei.Constant
}

func (c constantList) ReadConstant(context.Context, string, int64) (sentei.Constant, error) {
	return c.Constant, nil
}

// podInfo returns pod_info of one target, with three pods of which each has had
// two incarnations, and who reads it.
func podInfo(s sentei.Selector) (*sentei.Report, *constantList) {
	stats := func(names ...string) []sentei.LabelStats {
		var out []sentei.LabelStats
		for _, n := range names {
			out = append(out, sentei.LabelStats{Name: n, Series: 6, Distinct: 3})
		}
		return out
	}
	m := sentei.MetricReport{Backend: "b", Metric: sentei.Metric{Name: "pod_info", Jobs: []sentei.JobMetric{{
		Job: "a", Cost: sentei.Cost{Series: 6, SeriesInSpan: 6, SamplesPerSecond: 3}, Labels: stats("cluster", "instance", "ip", "node", "pod", "uid"),
	}}}}
	m.JobUsage = []sentei.JobUsage{{Usage: sentei.Usage{Verdict: sentei.Used}, Labels: []sentei.LabelUsage{
		{Name: "cluster", Verdict: sentei.Unused}, {Name: "instance", Verdict: sentei.Unused}, {Name: "ip", Verdict: sentei.Unused},
		{Name: "node", Verdict: sentei.Unused}, {Name: "pod", Verdict: sentei.Used}, {Name: "uid", Verdict: sentei.Unused},
	}}}
	up := sentei.MetricReport{Backend: "b", Metric: sentei.Metric{Name: "up", Jobs: []sentei.JobMetric{{Job: "a", Labels: stats("cluster", "instance")}}}}
	up.JobUsage = []sentei.JobUsage{{Usage: sentei.Usage{Verdict: sentei.Unused}}}
	c := &constantList{Constant: sentei.Constant{Value: 1, Samples: 100, From: at.Add(-time.Hour), To: at}}
	c.list = append(c.list, labels.FromStrings("__name__", "up", "cluster", "c", "instance", "i", "job", "a"))
	for _, pod := range []string{"x", "y", "z"} {
		for _, n := range []string{"1", "2"} { // the node follows from the pod
			c.list = append(c.list, labels.FromStrings("__name__", "pod_info", "cluster", "c", "instance", "i", "ip", "10."+pod+n,
				"job", "a", "node", "n-"+pod, "pod", pod, "uid", pod+n))
		}
	}
	return build([]sentei.ScrapeJob{scrapeJob("a", "a")}, []sentei.MetricReport{m, up},
		sentei.Consumer{Kind: sentei.AlertingRule, Name: "r", Selectors: []sentei.Selector{s}}), c
}

func TestMergeConstantSeries(t *testing.T) {
	maxBy := sentei.Selector{Matchers: []*labels.Matcher{eq("__name__", "pod_info")}, Live: sentei.Labels("pod"), MergesEqual: true}
	with := func(change func(*sentei.Selector)) sentei.Selector {
		s := maxBy
		change(&s)
		return s
	}
	both := []string{"ip 3", "uid 0"} // the node may stay, and the cluster is a label of the target
	tests := map[string]struct {
		selector sentei.Selector
		minSpan  model.Duration
		change   func(*sentei.Report, *constantList)
		want     []string
		problem  string
	}{
		"two incarnations":              {selector: maxBy, want: both},
		"a reader counts":               {selector: with(func(s *sentei.Selector) { s.MergesEqual = false })},
		"the order of series":           {selector: with(func(s *sentei.Selector) { s.OrderSensitive = true })},
		"a label that is erased":        {selector: with(func(s *sentei.Selector) { s.Erased = sentei.Labels("__name__", "pod") })},
		"the name alone is erased":      {selector: with(func(s *sentei.Selector) { s.Erased = sentei.Labels("__name__") }), want: both},
		"a second reader counts":        {selector: maxBy, change: alsoRead(func(s *sentei.Selector) { s.MergesEqual = false })},
		"a reader of another job":       {selector: maxBy, change: alsoRead(func(s *sentei.Selector) { s.Matchers = append(s.Matchers, eq("job", "b")); s.MergesEqual = false })},
		"a second that does not":        {selector: maxBy, change: alsoRead(func(*sentei.Selector) {}), want: both},
		"values differ":                 {selector: maxBy, change: func(_ *sentei.Report, c *constantList) { c.Unless = "it has the values 0 and 1" }, problem: "it has the values 0 and 1"},
		"neither 0 nor 1":               {selector: maxBy, change: func(_ *sentei.Report, c *constantList) { c.Value = 7 }, problem: "its value is 7"},
		"always 0":                      {selector: maxBy, change: func(_ *sentei.Report, c *constantList) { c.Value = 0 }, want: both},
		"too little time":               {selector: maxBy, minSpan: model.Duration(2 * time.Hour), problem: "the inventory that lists series covers 1h, and min_span is 2h"},
		"the span of another inventory": {selector: maxBy, minSpan: model.Duration(2 * time.Hour), change: func(r *sentei.Report, _ *constantList) { r.Backends[0].From = at.Add(-240 * time.Hour) }, problem: "the inventory that lists series covers 1h, and min_span is 2h"},
		"too little time in blocks":     {selector: maxBy, minSpan: model.Duration(time.Hour), change: func(_ *sentei.Report, c *constantList) { c.To = at.Add(-time.Minute) }, problem: "the blocks hold 59m of it, and min_span is 1h"},
		"of no target": {selector: maxBy, change: func(_ *sentei.Report, c *constantList) {
			c.list[3] = labels.NewBuilder(c.list[3]).Set("instance", "pushed").Labels()
		}},
		"targets are not known":  {selector: maxBy, change: func(r *sentei.Report, _ *constantList) { r.Metrics = r.Metrics[:1] }},
		"the label is needed":    {selector: maxBy, change: func(r *sentei.Report, _ *constantList) { r.Metrics[0].JobUsage[0].Labels[2].Verdict = sentei.Unknown }},
		"nothing becomes one":    {selector: maxBy, change: func(_ *sentei.Report, c *constantList) { c.list = c.list[:2] }},
		"nobody reads samples":   {selector: maxBy, change: func(_ *sentei.Report, c *constantList) { c.Samples = -1 }, problem: "no inventory of the backend reads samples"},
		"a metric of another do": {selector: maxBy, change: func(r *sentei.Report, _ *constantList) { r.Metrics[0].Name = "pods" }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r, series := podInfo(tt.selector)
			if tt.change != nil {
				tt.change(r, series)
			}
			rule, err := newMergeConstantSeries(mergeConstantSeriesOptions{Metrics: ".+_info", MinSeries: 1, MinSpan: tt.minSpan, MaxSamples: 1000}, source.Env{})
			if err != nil {
				t.Fatal(err)
			}
			in := &Input{Report: r, Series: map[string]sentei.SeriesReader{"b": series}}
			if series.Samples < 0 {
				in.Series["b"] = series.list
			}
			// What is merged takes nothing else off.
			made, err := Propose(t.Context(), in, []Rule{rule, stripUnusedLabelOptions{MinSeries: 1, Observed: true}})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range made.Proposals {
				if p.Rule != mergeConstantSeriesKind {
					continue
				}
				got = append(got, p.Action.Label+" "+string(rune('0'+p.Saving.Series)))
				if !p.Action.Merges || !p.Place.Shared || p.Grade != sentei.GradeASteady || p.Transient < 5*time.Minute || p.Group == "" {
					t.Errorf("%+v", p)
				}
				if e := p.Proof.Executed; e == nil || e.Changed != 6 || e.Distinct {
					t.Errorf("executed %+v", e)
				}
			}
			if len(got) > 0 && len(got) != len(made.Proposals) {
				t.Errorf("%d proposals beside the merge", len(made.Proposals)-len(got))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			said := ""
			for _, p := range made.Problems {
				if p.Source == mergeConstantSeriesKind {
					said += p.Message + "\n"
				}
			}
			if tt.problem == "" && said != "" || !strings.Contains(said, tt.problem) {
				t.Errorf("problems %q, want %q", said, tt.problem)
			}
		})
	}
}

// alsoRead adds a second reader that differs from the first.
func alsoRead(change func(*sentei.Selector)) func(*sentei.Report, *constantList) {
	return func(r *sentei.Report, _ *constantList) {
		second := r.Consumers[0]
		s := second.Selectors[0]
		s.Matchers = s.Matchers[:1:1]
		change(&s)
		second.ID, second.Selectors = "s", []sentei.Selector{s}
		r.Consumers = append(r.Consumers, second)
	}
}

// TestStripBesideMerge takes a label off all metrics of a job of which one
// merges series. Each of the two alone makes no others equal; both do.
func TestStripBesideMerge(t *testing.T) {
	stored := func(second string) list {
		return list{
			labels.FromStrings("__name__", "pod_info", "instance", "i", "job", "a", "node", "n1", "uid", "u1"),
			labels.FromStrings("__name__", "pod_info", "instance", "i", "job", "a", "node", second, "uid", "u2"),
		}
	}
	place := sentei.Place{Backend: "b", ScrapeJob: "a", Job: "a"}
	strip := sentei.Proposal{ID: "strip", Place: place, Proof: &sentei.Proof{}, Action: sentei.Action{Kind: sentei.StripLabel, Label: "node"}}
	place.Shared = true
	merge := sentei.Proposal{ID: "merge", Place: place, Proof: &sentei.Proof{}, Action: sentei.Action{Kind: sentei.StripLabel, Metric: "pod_info", Label: "uid", Merges: true}}
	for name, tt := range map[string]struct {
		series    list
		proposals []sentei.Proposal
		want      []string
	}{
		"the strip alone":          {stored("n2"), []sentei.Proposal{strip}, []string{"strip"}},
		"the merge alone":          {stored("n1"), []sentei.Proposal{merge}, []string{"merge"}},
		"both, others would merge": {stored("n2"), []sentei.Proposal{merge, strip}, []string{"merge"}},
		"both, in the other order": {stored("n2"), []sentei.Proposal{strip, merge}, []string{"merge"}},
		"both, none would":         {stored("n1"), []sentei.Proposal{strip, merge}, []string{"strip", "merge"}},
	} {
		m := metric("pod_info", []string{"a"}, sentei.Used)
		r := build([]sentei.ScrapeJob{scrapeJob("a", "a")}, []sentei.MetricReport{m})
		kept, _, err := execute(t.Context(), &Input{Report: r, Series: map[string]sentei.SeriesReader{"b": tt.series}}, tt.proposals)
		if d := cmp.Diff(tt.want, ids(kept)); d != "" || err != nil {
			t.Errorf("%s: %v, -want +got\n%s", name, err, d)
		}
	}
}

// partialConstants also says what values a metric has.
type partialConstants struct {
	partial
	sentei.Constant
}

func (p partialConstants) ReadConstant(context.Context, string, int64) (sentei.Constant, error) {
	return p.Constant, nil
}

// TestMergePartlyListed merges nothing of a metric that cannot be listed, nor
// of any when the targets cannot, and leaves other metrics as they are.
func TestMergePartlyListed(t *testing.T) {
	for unlisted, want := range map[string]int{"pod_info": 2, "rod_info": 2, "up": 0, "other": 4} {
		selector := sentei.Selector{Matchers: []*labels.Matcher{eq("__name__", "pod_info")}, Live: sentei.Labels("pod"), MergesEqual: true}
		r, c := podInfo(selector)
		second := r.Metrics[0]
		second.Name = "rod_info"
		r.Metrics = []sentei.MetricReport{r.Metrics[0], second, r.Metrics[1]}
		selector.Matchers = []*labels.Matcher{eq("__name__", "rod_info")}
		r.Consumers = append(r.Consumers, sentei.Consumer{Kind: sentei.AlertingRule, Name: "s", Selectors: []sentei.Selector{selector}})
		for _, l := range c.list[1:] {
			c.list = append(c.list, labels.NewBuilder(l).Set("__name__", "rod_info").Labels())
		}
		rule, err := newMergeConstantSeries(mergeConstantSeriesOptions{Metrics: ".+_info", MinSeries: 1, MaxSamples: 1000}, source.Env{})
		if err != nil {
			t.Fatal(err)
		}
		made, err := rule.Propose(t.Context(), &Input{Report: r, Series: map[string]sentei.SeriesReader{"b": partialConstants{partial{c.list, unlisted}, c.Constant}}})
		if err != nil || len(made.Proposals) != want {
			t.Errorf("%s: got %v, %+v, want %d proposals", unlisted, err, made.Proposals, want)
		}
		for _, p := range made.Proposals {
			if p.Action.Metric == unlisted {
				t.Errorf("got %+v", p.Action)
			}
		}
		if told := len(made.Problems) == 1 && strings.Contains(made.Problems[0].Message, "series of "+unlisted+" cannot be listed"); told != (unlisted != "other") {
			t.Errorf("%s: problems %+v", unlisted, made.Problems)
		}
	}
}

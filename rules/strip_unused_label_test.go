package rules

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
)

// pods returns a metric of three targets with the labels pod and zone, of which
// zone is exposed, the series of up, and who reads the metric.
func pods(s sentei.Selector) (*sentei.Report, list) {
	job := func(names ...string) sentei.JobMetric {
		j := sentei.JobMetric{Job: "a", Cost: sentei.Cost{Series: 6, SeriesInSpan: 6}}
		for _, n := range names {
			j.Labels = append(j.Labels, sentei.LabelStats{
				Name: n, Series: 6, Distinct: 3, SeriesWithout: 6, SeriesWithoutLive: 6, DeterminedBy: []string{"instance", "pod", "zone"},
				Values: []sentei.LabelValue{{Value: n + "-1", Series: 2}, {Value: n + "-2", Series: 2}, {Value: n + "-3", Series: 2}},
			})
		}
		return j
	}
	m := sentei.MetricReport{Backend: "b", Metric: sentei.Metric{Name: "m", Jobs: []sentei.JobMetric{job("code", "instance", "pod", "zone")}}}
	m.JobUsage = []sentei.JobUsage{{Usage: sentei.Usage{Verdict: sentei.Used}, Labels: []sentei.LabelUsage{
		{Name: "code", Verdict: sentei.Used}, {Name: "instance", Verdict: sentei.Unused}, {Name: "pod", Verdict: sentei.Unused}, {Name: "zone", Verdict: sentei.Unused},
	}}}
	up := sentei.MetricReport{Backend: "b", Metric: sentei.Metric{Name: "up", Jobs: []sentei.JobMetric{job("instance", "pod")}}}
	up.JobUsage = []sentei.JobUsage{{Usage: sentei.Usage{Verdict: sentei.Unused}}}
	var series list
	for _, n := range []string{"1", "2", "3"} {
		for _, code := range []string{"200", "500"} {
			series = append(series, labels.FromStrings("__name__", "m", "code", code, "instance", "i-"+n, "job", "a", "pod", "pod-"+n, "zone", "zone-"+n))
		}
	}
	c := sentei.Consumer{Kind: sentei.AlertingRule, Name: "r", Selectors: []sentei.Selector{s}}
	return build([]sentei.ScrapeJob{scrapeJob("a", "a")}, []sentei.MetricReport{m, up}, c), series
}

// secondMetric adds n, which is like m.
func secondMetric(r *sentei.Report, l *list) {
	n := r.Metrics[0]
	n.Name = "n"
	r.Metrics = append(r.Metrics, n)
	for _, s := range *l {
		*l = append(*l, labels.NewBuilder(s).Set("__name__", "n").Labels())
	}
	second := r.Consumers[0]
	second.ID, second.Selectors = "s", []sentei.Selector{{Matchers: []*labels.Matcher{eq("__name__", "n")}, Live: sentei.Labels("code")}}
	r.Consumers = append(r.Consumers, second)
}

func TestStripUnusedLabel(t *testing.T) {
	bySum := sentei.Selector{Matchers: []*labels.Matcher{eq("__name__", "m")}, Live: sentei.Labels("code"), Range: 10 * time.Minute}
	with := func(change func(*sentei.Selector)) sentei.Selector {
		s := bySum
		change(&s)
		return s
	}
	observed := stripUnusedLabelOptions{MinSeries: 1, Observed: true}
	tests := map[string]struct {
		selector sentei.Selector
		options  stripUnusedLabelOptions
		change   func(*sentei.Report, *list)
		want     []string
		problem  string
	}{
		"a label of the targets":     {selector: bySum, want: []string{"m pod"}},
		"labels that are exposed":    {selector: bySum, options: observed, want: []string{"m zone", "m pod"}},
		"one that a reader needs":    {selector: with(func(s *sentei.Selector) { s.Live = sentei.Labels("code", "pod") }), problem: `"r" may need the label pod`},
		"one that a matcher asks":    {selector: with(func(s *sentei.Selector) { s.Matchers = append(s.Matchers[:1:1], eq("pod", "pod-1")) }), problem: "may need the label pod"},
		"the order of series counts": {selector: with(func(s *sentei.Selector) { s.OrderSensitive = true })},
		"operators remove the rest": {
			selector: with(func(s *sentei.Selector) { s.Erased = sentei.Labels("instance") }), options: stripUnusedLabelOptions{MinSeries: 1, Observed: true},
			// Without instance, pod and zone tell the series apart: one may go.
			want: []string{"m pod"}, problem: "which also removes instance",
		},
		"several metrics lose their names": {
			selector: with(func(s *sentei.Selector) {
				s.Matchers = []*labels.Matcher{labels.MustNewMatcher(labels.MatchRegexp, "__name__", "m|n")}
				s.Erased = sentei.Labels("__name__")
			}),
			problem: "reads several metrics and removes their names",
		},
		"series become equal over time": {
			selector: bySum,
			change: func(_ *sentei.Report, l *list) { // a pod takes the address of another
				*l = append(*l, labels.FromStrings("__name__", "m", "code", "200", "instance", "i-1", "job", "a", "pod", "pod-9", "zone", "zone-1"))
			},
			problem: "become equal",
		},
		"targets bring labels of their own": {selector: bySum, change: func(r *sentei.Report, _ *list) { r.Backends[0].ScrapeJobs[0].HonorLabels = true }},
		"a rule of the job changes it":      {selector: bySum, change: func(r *sentei.Report, _ *list) { r.Metrics[0].Jobs[0].Labels[2].DeterminedBy = []string{"zone"} }},
		"external labels stay":              {selector: bySum, change: func(r *sentei.Report, _ *list) { r.Backends[0].ExternalLabels = []string{"pod"} }},
		"too little time": {
			selector: bySum, options: stripUnusedLabelOptions{MinSeries: 1, MinSpan: model.Duration(2 * time.Hour)},
			problem: "not proposed: to take off 1 label that nobody reads, because the inventory that lists series covers 1h, and min_span is 2h",
			change:  func(r *sentei.Report, _ *list) { r.Backends[0].From = at.Add(-240 * time.Hour) }, // of an inventory that lists none
		},
		"the series cannot be listed": {selector: bySum, change: func(_ *sentei.Report, l *list) { *l = nil }, problem: "no inventory of the backend lists series"},
		"another source told of the metric": {
			selector: bySum, change: func(_ *sentei.Report, l *list) { *l = list{labels.FromStrings("__name__", "n", "job", "a")} },
			problem: `no series of m of job "a" can be listed`,
		},
		"too few series": {selector: bySum, options: stripUnusedLabelOptions{MinSeries: 7}},
		"the whole job": {
			selector: bySum, options: stripUnusedLabelOptions{MinSeries: 1, WholeJob: true},
			change: secondMetric,
			want:   []string{" pod"},
		},
		"not the whole job where quiet metrics are not known": {
			selector: bySum, options: stripUnusedLabelOptions{MinSeries: 1, WholeJob: true},
			change: func(r *sentei.Report, l *list) {
				secondMetric(r, l)
				r.Backends[0].Listed.From = at.Add(-240 * time.Hour)
			},
			want: []string{"m pod", "n pod"},
		},
		"not the whole job where others may come": {
			selector: bySum, options: stripUnusedLabelOptions{MinSeries: 1, WholeJob: true},
			change: func(r *sentei.Report, l *list) {
				secondMetric(r, l)
				r.Backends[0].ScrapeJobs[0].OpenJobs = true
			},
			want: []string{"m pod", "n pod"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r, series := pods(tt.selector)
			if tt.options.MinSeries == 0 {
				tt.options.MinSeries = 1
			}
			if tt.change != nil {
				tt.change(r, &series)
			}
			in := &Input{Report: r, Series: map[string]sentei.SeriesReader{}}
			if series != nil {
				in.Series["b"] = series
			}
			made, err := Propose(t.Context(), in, []Rule{tt.options})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range made.Proposals {
				got = append(got, p.Action.Metric+" "+p.Action.Label)
				if p.Saving.Series != 0 || p.Saving.MemoryBytes <= 0 || p.Transient < 5*time.Minute || p.Grade != sentei.GradeASteady {
					t.Errorf("%+v", p)
				}
				if e := p.Proof.Executed; e == nil || e.Series == 0 || e.Changed != e.Series {
					t.Errorf("executed %+v", e)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			said := ""
			for _, p := range made.Problems {
				said += p.Message + "\n"
			}
			if tt.problem == "" && said != "" || !strings.Contains(said, tt.problem) {
				t.Errorf("problems %q, want %q", said, tt.problem)
			}
		})
	}
}

// spans is a list whose series of each metric have a time.
type spans struct {
	list
	of map[string]sentei.Window
}

func (s spans) ReadSeries(ctx context.Context, metrics []string, f func(sentei.Series) error) error {
	return s.list.ReadSeries(ctx, metrics, func(one sentei.Series) error {
		w := s.of[one.Labels.Get(model.MetricNameLabel)]
		one.From, one.To = w.From, w.To
		return f(one)
	})
}

// TestStripObservedForLong takes labels that targets expose off metrics that
// are stored for min_span, and labels of the targets off all.
func TestStripObservedForLong(t *testing.T) {
	hours := func(n time.Duration) sentei.Window { return sentei.Window{From: at.Add(-n * time.Hour), To: at} }
	o := stripUnusedLabelOptions{MinSeries: 1, MinSpan: model.Duration(24 * time.Hour), Observed: true}
	both, target := []string{"zone", "pod"}, []string{"pod"}
	for name, tt := range map[string]struct {
		stored  sentei.Window
		want    []string
		problem string
	}{
		"long":       {hours(24), both, ""},
		"a day ago":  {hours(23), target, "not proposed: to take off 1 label that targets expose, because their metrics are stored for less than min_span (1d)"},
		"not known":  {sentei.Window{}, target, "less than min_span"},
		"broken off": {sentei.Window{From: at}, target, "less than min_span"},
	} {
		r, l := pods(sentei.Selector{Matchers: []*labels.Matcher{eq("__name__", "m")}, Live: sentei.Labels("code")})
		r.Backends[0].Listed = hours(48)
		made, err := o.Propose(t.Context(), &Input{Report: r, Series: map[string]sentei.SeriesReader{"b": spans{l, map[string]sentei.Window{"m": tt.stored}}}})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range made.Proposals {
			got = append(got, p.Action.Label)
		}
		slices.Sort(got)
		want := slices.Sorted(slices.Values(tt.want))
		if d := cmp.Diff(want, got); d != "" || (tt.problem != "") != (len(made.Problems) == 1) || tt.problem != "" && !strings.Contains(made.Problems[0].Message, tt.problem) {
			t.Errorf("%s: -want +got\n%s%+v", name, d, made.Problems)
		}
	}
	r, l := pods(sentei.Selector{Matchers: []*labels.Matcher{eq("__name__", "m")}, Live: sentei.Labels("code")})
	r.Backends[0].Listed = hours(48)
	listed := spans{l, map[string]sentei.Window{"m": hours(24)}}
	if made, err := o.Propose(t.Context(), &Input{Report: r, Series: map[string]sentei.SeriesReader{"b": withoutOther{listed}}}); err != nil || len(made.Proposals) != 2 {
		t.Errorf("another metric is not listed: %+v, %v", made, err)
	}
	made, err := o.Propose(t.Context(), &Input{Report: r, Series: map[string]sentei.SeriesReader{"b": broken{l}}})
	if err != nil || len(made.Proposals) != 1 || len(made.Problems) != 1 || !strings.Contains(made.Problems[0].Message, "it could not be read how long") {
		t.Errorf("%+v, %v", made, err)
	}
}

// withoutOther lists all metrics but one that is always missing.
type withoutOther struct{ spans }

func (w withoutOther) ReadSeries(ctx context.Context, metrics []string, f func(sentei.Series) error) error {
	if err := w.spans.ReadSeries(ctx, metrics, f); err != nil {
		return err
	}
	return &sentei.UnlistedError{Metrics: []string{"other"}, Err: errors.New("it has too many")}
}

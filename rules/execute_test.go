package rules

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
)

// partlyRead returns a metric of the scrape job a of which only mode="idle" and
// le="5.0" are read, and its series.
func partlyRead() (*sentei.Report, list) {
	m := metric("m_bucket", []string{"a"}, sentei.Used)
	m.Jobs[0].Cost = sentei.Cost{Series: 12, SeriesInSpan: 24, SamplesPerSecond: 1.2}
	m.Jobs[0].Labels = []sentei.LabelStats{
		{Name: "le", Values: []sentei.LabelValue{{Value: "+Inf", Series: 8}, {Value: "1.0", Series: 8}, {Value: "5.0", Series: 8}}},
		{Name: "mode", Values: []sentei.LabelValue{{Value: "idle", Series: 12}, {Value: "nice", Series: 12}}},
	}
	m.JobUsage[0].Labels = []sentei.LabelUsage{
		{Name: "le", Verdict: sentei.Used, UnusedValues: []string{"+Inf", "1.0"}, UnusedValueSeries: 16},
		{Name: "mode", Verdict: sentei.Used, UnusedValues: []string{"nice"}, UnusedValueSeries: 12},
	}
	var series list
	for _, le := range []string{"+Inf", "1.0", "5.0"} {
		for _, mode := range []string{"idle", "nice"} {
			for _, instance := range []string{"1", "2", "3", "4"} {
				series = append(series, labels.FromStrings("__name__", "m_bucket", "instance", instance, "job", "a", "le", le, "mode", mode))
			}
		}
	}
	r := build([]sentei.ScrapeJob{scrapeJob("a", "a")}, []sentei.MetricReport{m, metric("ALERTS", []string{""}, sentei.Unused)},
		reader(sentei.AlertingRule, "r", eq("__name__", "m_bucket"), eq("le", "5.0"), eq("mode", "idle")))
	return r, series
}

// TestExecuteCountsTheUnion wants series that two rules drop to count once.
func TestExecuteCountsTheUnion(t *testing.T) {
	r, series := partlyRead()
	made, err := Propose(t.Context(), &Input{Report: r, Series: map[string]sentei.SeriesReader{"b": series}}, eagerRules())
	if err != nil || len(made.Problems) > 0 {
		t.Fatal(err, made.Problems)
	}
	type row struct {
		Label    string
		Values   []string
		Saving   sentei.Cost
		Executed sentei.Executed
		Because  string
	}
	var got []row
	for _, p := range made.Proposals {
		got = append(got, row{p.Action.Label, p.Action.Values, p.Saving, *p.Proof.Executed, p.Proof.Readers[0].Because})
	}
	want := []row{
		// 8 of the 12 series of nice have another bucket, and 4 have 1.0.
		{"mode", []string{"nice"}, sentei.Cost{Series: 8, SeriesInSpan: 8, SamplesPerSecond: 0.8}, sentei.Executed{Series: 24, Changed: 12, Distinct: true}, `mode="idle" refuses the values`},
		{"le", []string{"1.0"}, sentei.Cost{Series: 8, SeriesInSpan: 8, SamplesPerSecond: 0.8}, sentei.Executed{Series: 24, Changed: 8, Distinct: true}, `le="5.0" refuses the values`},
	}
	byLabel := cmp.Transformer("byLabel", func(rows []row) map[string]row {
		m := map[string]row{}
		for _, r := range rows {
			r.Saving.SamplesPerSecond = float64(int(r.Saving.SamplesPerSecond*100+0.5)) / 100
			m[r.Label] = r
		}
		return m
	})
	if diff := cmp.Diff(want, got, byLabel); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// broken is an inventory whose series cannot be listed to the end.
type broken struct{ list }

func (b broken) ReadSeries(ctx context.Context, metrics []string, f func(sentei.Series) error) error {
	_ = b.list[:3].ReadSeries(ctx, metrics, f)
	return errors.New("the block is gone")
}

// TestExecuteWithoutSeries keeps what is proven on paper.
func TestExecuteWithoutSeries(t *testing.T) {
	r, series := partlyRead()
	made, err := Propose(t.Context(), &Input{Report: r, Series: map[string]sentei.SeriesReader{"b": broken{series}}}, eagerRules())
	if err != nil || len(made.Problems) != 1 || !strings.Contains(made.Problems[0].Message, "the block is gone") || made.Problems[0].Blocking {
		t.Fatalf("%v, problems %+v", err, made.Problems)
	}
	saved := int64(0)
	for _, p := range made.Proposals {
		if p.Proof == nil || p.Proof.Executed != nil {
			t.Errorf("proof %+v", p.Proof)
		}
		saved += p.Saving.Series
	}
	if len(made.Proposals) != 2 || saved > 12 {
		t.Errorf("%d proposals save %d series of 12", len(made.Proposals), saved)
	}
}

// partial is an inventory that cannot list one metric.
type partial struct {
	list
	unlisted string
}

func (p partial) ReadSeries(ctx context.Context, metrics []string, f func(sentei.Series) error) error {
	listed := slices.DeleteFunc(slices.Clone(metrics), func(m string) bool { return m == p.unlisted })
	if err := p.list.ReadSeries(ctx, listed, f); err != nil || len(listed) == len(metrics) {
		return err
	}
	return &sentei.UnlistedError{Metrics: []string{p.unlisted}, Err: errors.New("it has too many")}
}

// TestExecuteWithoutOneMetric takes no label off series that are not listed, and
// leaves other metrics as they are.
func TestExecuteWithoutOneMetric(t *testing.T) {
	r, l := pods(sentei.Selector{Matchers: []*labels.Matcher{eq("__name__", "m")}, Live: sentei.Labels("code")})
	secondMetric(r, &l)
	for unlisted, want := range map[string][]string{"m": {"n pod"}, "n": {"m pod"}, "o": {"m pod", "n pod"}} {
		made, err := Propose(t.Context(), &Input{Report: r, Series: map[string]sentei.SeriesReader{"b": partial{l, unlisted}}}, []Rule{stripUnusedLabelOptions{MinSeries: 1}})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range made.Proposals {
			got = append(got, p.Action.Metric+" "+p.Action.Label)
			if e := p.Proof.Executed; e == nil || e.Changed == 0 {
				t.Errorf("executed %+v", e)
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("without %s, -want +got\n%s", unlisted, diff)
		}
		told := slices.ContainsFunc(made.Problems, func(p sentei.Problem) bool { return strings.Contains(p.Message, "it has too many") })
		if told == (unlisted == "o") {
			t.Errorf("without %s, problems %+v", unlisted, made.Problems)
		}
	}

	r, series := partlyRead()
	made, err := Propose(t.Context(), &Input{Report: r, Series: map[string]sentei.SeriesReader{"b": partial{series, "m_bucket"}}}, eagerRules())
	if err != nil || len(made.Proposals) != 2 || made.Proposals[0].Proof.Executed != nil || made.Proposals[1].Proof.Executed != nil {
		t.Errorf("%+v, %v", made, err)
	}
}

// TestExecuteOverMoreTime promises nothing for series that the inventory has
// not counted.
func TestExecuteOverMoreTime(t *testing.T) {
	r, series := partlyRead()
	r.Metrics[0].Jobs[0].Cost.SeriesInSpan = 12 // the rest ended before the span
	made, err := Propose(t.Context(), &Input{Report: r, Series: map[string]sentei.SeriesReader{"b": halfLive{series}}}, eagerRules())
	if err != nil {
		t.Fatal(err)
	}
	var live, inSpan int64
	for _, p := range made.Proposals {
		live, inSpan = live+p.Saving.Series, inSpan+p.Saving.SeriesInSpan
	}
	if live != 8 || inSpan != 8 {
		t.Errorf("%d active series are saved, %d of the span", live, inSpan)
	}
}

// halfLive lists every other series as ended.
type halfLive struct{ list }

func (h halfLive) ReadSeries(ctx context.Context, metrics []string, f func(sentei.Series) error) error {
	live := false
	return h.list.ReadSeries(ctx, metrics, func(s sentei.Series) error {
		live = !live
		return f(sentei.Series{Labels: s.Labels, Live: live})
	})
}

// TestExecuteSparesOthers has a rule that reaches too far: it must not pass.
func TestExecuteSparesOthers(t *testing.T) {
	r, series := partlyRead()
	r.Metrics = append(r.Metrics, metric("n", []string{"a"}, sentei.Used))
	x := newIndex(r)
	p := sentei.Proposal{Place: sentei.Place{Backend: "b", ScrapeJob: "a", Job: "a"}, Action: sentei.Action{Kind: sentei.DropMetric, Metric: "m_bucket"}}
	c, err := x.candidate(&p)
	if err != nil {
		t.Fatal(err)
	}
	wide := p
	wide.Action = sentei.Action{Kind: sentei.DropMetric, Metric: "n"}
	other, err := x.candidate(&wide)
	if err != nil {
		t.Fatal(err)
	}
	c.rules = append(c.rules, other.rules...)
	if _, err := x.executeBackend(t.Context(), series, "b", []*candidate{c}); err != nil || !strings.Contains(c.wrong, `its rule changes {__name__="n", job="a"} too`) {
		t.Errorf("%v, wrong %q", err, c.wrong)
	}
	c.rules, c.wrong = other.rules, ""
	r.Metrics = r.Metrics[:2]
	x = newIndex(r)
	if _, err := x.executeBackend(t.Context(), series, "b", []*candidate{c}); err != nil || !strings.Contains(c.wrong, "does not do to") {
		t.Errorf("%v, wrong %q", err, c.wrong)
	}
}

func TestInQuery(t *testing.T) {
	for label, want := range map[string]string{"mode": "mode", "mode.x": `"mode.x"`, "größe": `"größe"`} {
		if got := inQuery(label); got != want {
			t.Errorf("%s is written %s, want %s", label, got, want)
		}
	}
}

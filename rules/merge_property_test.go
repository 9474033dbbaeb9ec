package rules

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/source"
	"github.com/sentei/sentei/rules/rehearsal"
)

// TestMergesChangeNothing proposes over random targets whose pods come and go,
// with random readers, carries the proposals out and asks Prometheus's engine
// for the results of all readers before and after.
func TestMergesChangeNothing(t *testing.T) {
	engine := promql.NewEngine(promql.EngineOpts{
		MaxSamples: 1_000_000, Timeout: time.Minute, LookbackDelta: 5 * time.Minute, EnableAtModifier: true, EnableNegativeOffset: true,
		NoStepSubqueryIntervalFn: func(int64) int64 { return 60_000 },
	})
	merged, compared := 0, 0
	for i := range uint64(400) {
		r := rand.New(rand.NewPCG(7, i))
		w := newInfoWorld(r)
		rule, err := newMergeConstantSeries(mergeConstantSeriesOptions{Metrics: ".+_info", MinSeries: 1, MaxSamples: 1}, source.Env{})
		if err != nil {
			t.Fatal(err)
		}
		made, err := Propose(t.Context(), &Input{Report: w.report, Series: map[string]sentei.SeriesReader{"b": w}}, []Rule{rule})
		if err != nil {
			t.Fatal(err)
		}
		var changes []rehearsal.Change
		for k := range made.Proposals {
			c, err := rehearsal.FromProposal(w.report, &w.report.Backends[0], &made.Proposals[k])
			if err != nil {
				t.Fatal(err)
			}
			changes = append(changes, c)
		}
		if len(changes) == 0 {
			continue
		}
		merged++
		after := rehearsal.NewView(w, changes, nil)
		for _, c := range w.report.Consumers {
			for range 4 {
				at := time.Unix(int64(600+r.IntN(2400)), 0)
				before, now := vectorOf(t, engine, w, c.Text, at), vectorOf(t, engine, after, c.Text, at)
				compared += len(before)
				if fmt.Sprint(before) != fmt.Sprint(now) {
					t.Errorf("world %d: %s at %d gives\n  %v\nand then\n  %v", i, c.Text, at.Unix(), before, now)
				}
			}
		}
	}
	t.Logf("%d worlds with merges, %d results compared", merged, compared)
	if merged < 50 || compared < 500 {
		t.Error("too little was checked")
	}
}

// infoReaders are readers of pod_info, some of which count.
var infoReaders = []string{
	`max by (%s) (pod_info)`, `max by (%s) (pod_info == 1)`, `count(count by (%s) (pod_info))`, `absent(pod_info{%s!=""})`, `group by (%s) (pod_info)`,
	`avg by (%s) (max_over_time(pod_info[10m]))`, `m unless on (%s) pod_info`, `m and on (%s) pod_info`, `quantile by (%s) (0.5, pod_info)`,
	`max_over_time(max by (%s) (pod_info)[10m:1m])`, `count(max by (%s) (last_over_time(pod_info[7m])))`, `stddev by (%s) (pod_info)`,
}

var infoCounters = []string{`count by (%s) (pod_info)`, `sum by (%s) (pod_info)`, `max by (%s) (count_over_time(pod_info[10m]))`, `count(pod_info{%s!=""})`}

// infoWorld is what targets expose: pod_info with a life of their own for each
// pod, and a gauge to join with.
type infoWorld struct {
	report *sentei.Report
	series []storage.Series
	all    []labels.Labels
}

var infoLabels = []string{"ip", "node", "pod", "uid"}

func newInfoWorld(r *rand.Rand) *infoWorld {
	w := &infoWorld{}
	v := float64(r.IntN(2))
	exposed := map[string]bool{}
	for target := range 1 + r.IntN(2) {
		instance := fmt.Sprint("i", target)
		w.add(labels.FromStrings("__name__", "up", "instance", instance, "job", "a"), r, 1, true)
		for range 2 + r.IntN(8) {
			pod := r.IntN(3)
			l := labels.FromStrings("__name__", "pod_info", "instance", instance, "job", "a", "ip", fmt.Sprint("1", r.IntN(3)),
				"node", fmt.Sprint("n", pod%2), "pod", fmt.Sprint("p", pod), "uid", fmt.Sprint("u", r.IntN(4)))
			if !exposed[l.String()] {
				exposed[l.String()] = true
				w.add(l, r, v, r.IntN(3) == 0)
			}
		}
	}
	for pod := range 3 {
		w.add(labels.FromStrings("__name__", "m", "instance", "i0", "job", "a", "node", fmt.Sprint("n", pod%2), "pod", fmt.Sprint("p", pod), "ip", fmt.Sprint("1", pod), "uid", "u1"), r, 5, r.IntN(2) == 0)
	}
	var consumers []sentei.Consumer
	for n := range 1 + r.IntN(3) {
		form := infoReaders[r.IntN(len(infoReaders))]
		if r.IntN(8) == 0 {
			form = infoCounters[r.IntN(len(infoCounters))]
		}
		c := understood(sentei.AlertingRule, fmt.Sprint("r", n), fmt.Sprintf(form, infoLabels[r.IntN(len(infoLabels))]))
		consumers = append(consumers, c)
	}
	info := sentei.MetricReport{Backend: "b", Metric: sentei.Metric{Name: "pod_info", Jobs: []sentei.JobMetric{{Job: "a"}}}}
	info.JobUsage = []sentei.JobUsage{{Usage: sentei.Usage{Verdict: sentei.Used}}}
	for _, l := range w.all {
		if l.Get("__name__") == "pod_info" {
			info.Jobs[0].Cost.Series++
			info.Jobs[0].Cost.SeriesInSpan++
		}
	}
	for _, name := range append(slices.Clone(infoLabels), "instance") {
		u := sentei.LabelUsage{Name: name, Verdict: sentei.Unused}
		for _, c := range consumers {
			for _, s := range c.Selectors {
				if s.MatchesName("pod_info") && s.Live.Has(name) {
					u.Verdict = sentei.Used
				}
			}
		}
		info.Jobs[0].Labels = append(info.Jobs[0].Labels, sentei.LabelStats{Name: name})
		info.JobUsage[0].Labels = append(info.JobUsage[0].Labels, u)
	}
	up := sentei.MetricReport{Backend: "b", Metric: sentei.Metric{Name: "up", Jobs: []sentei.JobMetric{{Job: "a", Labels: []sentei.LabelStats{{Name: "instance"}}}}}}
	up.JobUsage = []sentei.JobUsage{{Usage: sentei.Usage{Verdict: sentei.Unused}}}
	w.report = build([]sentei.ScrapeJob{scrapeJob("a", "a")}, []sentei.MetricReport{info, up}, consumers...)
	return w
}

// add stores a series: for as long as it is exposed, and then a stale marker.
func (w *infoWorld) add(l labels.Labels, r *rand.Rand, v float64, always bool) {
	const scrapes, interval = 100, 30_000
	offset := int64(l.Get("instance")[1]) * 100 // targets are scraped at times of their own
	var samples []chunks.Sample
	on := always || r.IntN(2) == 0
	for i := range int64(scrapes) {
		was := on
		if !always && r.IntN(25) == 0 {
			on = !on
		}
		switch {
		case on:
			samples = append(samples, floatSample{i*interval + offset, v})
		case was && len(samples) > 0:
			samples = append(samples, floatSample{i*interval + offset, math.Float64frombits(value.StaleNaN)})
		}
	}
	w.all = append(w.all, l)
	w.series = append(w.series, storage.NewListSeries(l, samples))
}

// ReadSeries implements sentei.SeriesReader.
func (w *infoWorld) ReadSeries(ctx context.Context, metrics []string, f func(sentei.Series) error) error {
	return list(w.all).ReadSeries(ctx, metrics, f)
}

// ReadConstant implements sentei.ConstantReader.
func (w *infoWorld) ReadConstant(context.Context, string, int64) (sentei.Constant, error) {
	return sentei.Constant{Value: 1, Samples: 1, From: at.Add(-time.Hour), To: at}, nil
}

// Querier implements storage.Queryable.
func (w *infoWorld) Querier(int64, int64) (storage.Querier, error) { return infoQuerier{w: w}, nil }

type infoQuerier struct {
	storage.LabelQuerier
	w *infoWorld
}

func (infoQuerier) Close() error { return nil }

func (q infoQuerier) Select(_ context.Context, _ bool, _ *storage.SelectHints, ms ...*labels.Matcher) storage.SeriesSet {
	out := &infoSet{at: -1}
	for _, s := range q.w.series {
		if (&sentei.Selector{Matchers: ms}).Matches(s.Labels()) {
			out.found = append(out.found, s)
		}
	}
	return out
}

type infoSet struct {
	found []storage.Series
	at    int
}

func (s *infoSet) Next() bool                        { s.at++; return s.at < len(s.found) }
func (s *infoSet) At() storage.Series                { return s.found[s.at] }
func (s *infoSet) Err() error                        { return nil }
func (s *infoSet) Warnings() annotations.Annotations { return nil }

func vectorOf(t *testing.T, engine *promql.Engine, q storage.Queryable, text string, at time.Time) []string {
	t.Helper()
	query, err := engine.NewInstantQuery(t.Context(), q, nil, text, at)
	if err != nil {
		t.Fatal(err)
	}
	defer query.Close()
	v, err := query.Exec(t.Context()).Vector()
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	var out []string
	for _, s := range v {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %v", s.Metric, s.F)))
	}
	slices.Sort(out)
	return out
}

// floatSample implements chunks.Sample.
type floatSample struct {
	t int64
	f float64
}

func (s floatSample) T() int64                      { return s.t }
func (s floatSample) ST() int64                     { return 0 }
func (s floatSample) F() float64                    { return s.f }
func (s floatSample) H() *histogram.Histogram       { return nil }
func (s floatSample) FH() *histogram.FloatHistogram { return nil }
func (s floatSample) Copy() chunks.Sample           { return s }
func (s floatSample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }

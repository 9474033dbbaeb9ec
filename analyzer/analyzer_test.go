package analyzer

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
)

var now = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

type fakeInventory struct {
	inventory sentei.Inventory
	problems  []sentei.Problem
	err       error
}

func (f fakeInventory) Inventory(context.Context) (*sentei.Inventory, []sentei.Problem, error) {
	return &f.inventory, f.problems, f.err
}

type fakeUsage struct {
	data sentei.UsageData
	err  error
}

func (f fakeUsage) Consumers(context.Context) (*sentei.UsageData, error) { return &f.data, f.err }

// world is a backend with two jobs and a source of every class, to be changed
// by a test.
type world struct {
	inventory  fakeInventory
	rules      fakeUsage
	dashboards fakeUsage
	queries    fakeUsage
	options    Options
}

func newWorld() *world {
	metric := func(name string, jobs ...string) sentei.Metric {
		m := sentei.Metric{Name: name}
		for _, j := range jobs {
			m.Jobs = append(m.Jobs, sentei.JobMetric{Job: j, Cost: sentei.Cost{Series: 10, SeriesInSpan: 10, SamplesPerSecond: 1}})
		}
		return m
	}
	return &world{
		inventory: fakeInventory{inventory: sentei.Inventory{
			Source: "block", From: now.Add(-time.Hour), To: now,
			Metrics: []sentei.Metric{
				metric("a", "api", "node"), metric("b", "node"), metric("b:sum", ""), metric("b:sum:max", ""), metric("c", "api"),
			},
		}},
		queries: fakeUsage{data: sentei.UsageData{Window: sentei.Window{From: now.Add(-40 * 24 * time.Hour), To: now}}},
		options: Options{
			Window: 30 * 24 * time.Hour, MinWindow: 30 * 24 * time.Hour, MaxLag: time.Hour,
			Require: []sentei.UsageClass{sentei.ClassRules, sentei.ClassDashboards, sentei.ClassQueries},
			Prices:  sentei.Prices{PerThousandSeries: 100},
		},
	}
}

func (w *world) scan(t *testing.T) (*sentei.Report, error) {
	t.Helper()
	backends := []Backend{{
		Name:      "main",
		Inventory: []InventorySource{{"block", "block", w.inventory}},
		Usage: []UsageSource{
			{"rule_files", "rule_files", sentei.ClassRules, w.rules},
			{"dashboard_files", "dashboard_files", sentei.ClassDashboards, w.dashboards},
			{"query_log", "query_log", sentei.ClassQueries, w.queries},
		},
	}}
	r, err := Scan(t.Context(), backends, w.options, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	return r.Report, nil
}

func alert(expr string) sentei.Consumer {
	return consumer(sentei.AlertingRule, "Alert", expr)
}

func record(name, expr string) sentei.Consumer {
	c := consumer(sentei.RecordingRule, name, expr)
	c.Records = name
	return c
}

func dashboard(expr string) sentei.Consumer { return consumer(sentei.Dashboard, "Board", expr) }

func query(expr string, last time.Time) sentei.Consumer {
	c := consumer(sentei.Query, expr, expr)
	c.Count, c.FirstSeen, c.LastSeen = 3, last, last
	return c
}

func consumer(kind sentei.ConsumerKind, name, expr string) sentei.Consumer {
	return sentei.Consumer{
		ID: sentei.HashID(string(kind), name, expr), Kind: kind, Name: name,
		Expression: sentei.Expression{Text: expr, Lang: sentei.PromQL},
	}
}

// verdicts returns "name verdict" for every metric.
func verdicts(r *sentei.Report) []string {
	var s []string
	for i := range r.Metrics {
		s = append(s, r.Metrics[i].Name+" "+string(r.Metrics[i].Verdict))
	}
	return s
}

type reads struct{ sentei.SeriesReader }

type readsSamples struct {
	sentei.SeriesReader
	sentei.ConstantReader
}

// TestLister prefers the inventory that reads samples, else the first.
func TestLister(t *testing.T) {
	none, first, second, samples := &sentei.Inventory{}, &sentei.Inventory{Series: reads{}}, &sentei.Inventory{Series: reads{}}, &sentei.Inventory{Series: readsSamples{}}
	for i, tt := range []struct {
		from []*sentei.Inventory
		want *sentei.Inventory
	}{
		{[]*sentei.Inventory{none}, nil},
		{[]*sentei.Inventory{none, first, second}, first},
		{[]*sentei.Inventory{first, samples}, samples},
	} {
		if got := lister(tt.from); got != tt.want {
			t.Errorf("%d: got %p, want %p", i, got, tt.want)
		}
	}
}

func TestVerdicts(t *testing.T) {
	evaluation := query("max(b:sum)", now)
	evaluation.Location = sentei.Location{File: "/etc/prometheus/r.yml", Group: "g"}
	opaque := consumer(sentei.Dashboard, "Board", "")
	opaque.Opaque = "the whole query is a variable"

	tests := map[string]struct {
		change func(*world)
		want   []string
	}{
		"nobody reads anything": {
			func(*world) {},
			[]string{"a unused", "b unused", "b:sum unused", "b:sum:max unused", "c unused"},
		},
		"an alert reads one job of a metric": {
			func(w *world) { w.rules.data.Consumers = []sentei.Consumer{alert(`a{job="api"} > 1`)} },
			[]string{"a partly used", "b unused", "b:sum unused", "b:sum:max unused", "c unused"},
		},
		"a name regex reaches every job": {
			func(w *world) { w.dashboards.data.Consumers = []sentei.Consumer{dashboard(`count({__name__=~"a|c"})`)} },
			[]string{"a used", "b unused", "b:sum unused", "b:sum:max unused", "c used"},
		},
		"a recording rule that nothing reads is no use": {
			func(w *world) { w.rules.data.Consumers = []sentei.Consumer{record("b:sum", "sum(b)")} },
			[]string{"a unused", "b unused", "b:sum unused", "b:sum:max unused", "c unused"},
		},
		"a chain of recording rules is alive to its end": {
			func(w *world) {
				w.rules.data.Consumers = []sentei.Consumer{record("b:sum", "sum(b)"), record("b:sum:max", "max(b:sum)")}
				w.dashboards.data.Consumers = []sentei.Consumer{dashboard("b:sum:max")}
			},
			[]string{"a unused", "b used", "b:sum used", "b:sum:max used", "c unused"},
		},
		"a logged evaluation of a known rule is not a root": {
			func(w *world) {
				rule := record("b:sum:max", "max( b:sum )")
				rule.Location = sentei.Location{File: "git/rules/r.yml", Group: "g"}
				w.rules.data.Consumers = []sentei.Consumer{rule}
				w.queries.data.Consumers = []sentei.Consumer{evaluation}
			},
			[]string{"a unused", "b unused", "b:sum unused", "b:sum:max unused", "c unused"},
		},
		"a logged evaluation of the same expression by another group is a root": {
			func(w *world) {
				rule := record("b:sum:max", "max(b:sum)")
				rule.Location = sentei.Location{File: "r.yml", Group: "h"}
				w.rules.data.Consumers = []sentei.Consumer{rule}
				w.queries.data.Consumers = []sentei.Consumer{evaluation}
			},
			[]string{"a unused", "b unused", "b:sum used", "b:sum:max unused", "c unused"},
		},
		"a logged query without a time counts": {
			func(w *world) { w.queries.data.Consumers = []sentei.Consumer{query("a", time.Time{})} },
			[]string{"a used", "b unused", "b:sum unused", "b:sum:max unused", "c unused"},
		},
		"samples that are sent elsewhere may be read there": {
			func(w *world) {
				w.inventory.inventory.RemoteWrite = []string{"mimir.example"}
				w.rules.data.Consumers = []sentei.Consumer{alert("c")}
			},
			[]string{"a unknown", "b unknown", "b:sum unknown", "b:sum:max unknown", "c used"},
		},
		"an external label may be on anything": {
			func(w *world) {
				w.inventory.inventory.Metrics[0].Jobs[0].Labels = []sentei.LabelStats{{Name: "pod"}}
				w.inventory.inventory.Metrics[1].Jobs[0].Labels = []sentei.LabelStats{{Name: "pod"}}
				w.inventory.inventory.ExternalLabels = []string{"cluster"}
				w.dashboards.data.Consumers = []sentei.Consumer{dashboard(`count({cluster="eu", job="api"})`), dashboard(`count({zone="x", job="node"})`)}
			},
			[]string{"a used", "b unused", "b:sum unused", "b:sum:max unused", "c used"},
		},
		"a logged evaluation of a rule that no source knows is a root": {
			func(w *world) { w.queries.data.Consumers = []sentei.Consumer{evaluation} },
			[]string{"a unused", "b unused", "b:sum used", "b:sum:max unused", "c unused"},
		},
		"a query in the window counts, an older one does not": {
			func(w *world) {
				w.queries.data.Consumers = []sentei.Consumer{
					query("a", now.Add(-29*24*time.Hour)), query("c", now.Add(-31*24*time.Hour)),
				}
			},
			[]string{"a used", "b unused", "b:sum unused", "b:sum:max unused", "c unused"},
		},
		"an opaque consumer makes all else unknown": {
			func(w *world) {
				w.dashboards.data.Consumers = []sentei.Consumer{opaque}
				w.rules.data.Consumers = []sentei.Consumer{alert("c")}
			},
			[]string{"a unknown", "b unknown", "b:sum unknown", "b:sum:max unknown", "c used"},
		},
		"an expression that does not parse is opaque": {
			func(w *world) { w.rules.data.Consumers = []sentei.Consumer{alert("sum(((")} },
			[]string{"a unknown", "b unknown", "b:sum unknown", "b:sum:max unknown", "c unknown"},
		},
		"an accepted problem does not block": {
			func(w *world) {
				w.dashboards.data.Consumers = []sentei.Consumer{opaque}
				w.options.Accepted = map[string]string{sentei.HashID("opaque", "main", opaque.ID): "a text panel"}
			},
			[]string{"a unused", "b unused", "b:sum unused", "b:sum:max unused", "c unused"},
		},
		"a source that is down": {
			func(w *world) { w.dashboards.err = errors.New("connection refused") },
			[]string{"a unknown", "b unknown", "b:sum unknown", "b:sum:max unknown", "c unknown"},
		},
		"a blocking problem of a source": {
			func(w *world) {
				w.rules.data.Problems = []sentei.Problem{{ID: "1", Message: "no such file", Blocking: true}}
			},
			[]string{"a unknown", "b unknown", "b:sum unknown", "b:sum:max unknown", "c unknown"},
		},
		"a query log that is too short": {
			func(w *world) { w.queries.data.Window.From = now.Add(-29 * 24 * time.Hour) },
			[]string{"a unknown", "b unknown", "b:sum unknown", "b:sum:max unknown", "c unknown"},
		},
		"a query log without an entry": {
			func(w *world) { w.queries.data.Window = sentei.Window{} },
			[]string{"a unknown", "b unknown", "b:sum unknown", "b:sum:max unknown", "c unknown"},
		},
		"a query log that is no longer written": {
			func(w *world) { w.queries.data.Window.To = now.Add(-2 * time.Hour) },
			[]string{"a unknown", "b unknown", "b:sum unknown", "b:sum:max unknown", "c unknown"},
		},
		"a required class that nothing covers": {
			func(w *world) { w.options.Require = append(w.options.Require, sentei.ClassDeclared) },
			[]string{"a unknown", "b unknown", "b:sum unknown", "b:sum:max unknown", "c unknown"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			tt.change(w)
			r, err := w.scan(t)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, verdicts(r)); d != "" {
				t.Error(d)
			}
			for i := range r.Metrics {
				m := &r.Metrics[i]
				if (m.Verdict == sentei.Unknown) != (len(m.Reasons) > 0) {
					t.Errorf("%s is %s for the reasons %q", m.Name, m.Verdict, m.Reasons)
				}
				if (m.Verdict == sentei.Used || m.Verdict == sentei.PartlyUsed) != (len(m.Readers) > 0) {
					t.Errorf("%s is %s with the readers %q", m.Name, m.Verdict, m.Readers)
				}
			}
		})
	}
}

func TestDeadRuleIsEvidence(t *testing.T) {
	w := newWorld()
	rule := record("b:sum", "sum(b)")
	w.rules.data.Consumers = []sentei.Consumer{rule}
	r, err := w.scan(t)
	if err != nil {
		t.Fatal(err)
	}
	if m := r.Metric("main", "b"); !slices.Equal(m.DeadReaders, []string{rule.ID}) || m.Verdict != sentei.Unused {
		t.Errorf("b is %s with the dead readers %q", m.Verdict, m.DeadReaders)
	}
	if m := r.Metric("main", "b:sum"); m.RecordedBy != rule.ID {
		t.Errorf("b:sum is recorded by %q", m.RecordedBy)
	}
}

func TestNeedRunsDownTheChain(t *testing.T) {
	w := newWorld()
	w.rules.data.Consumers = []sentei.Consumer{
		record("b:sum", "sum by (cluster, pod) (b)"), record("b:sum:max", "max without (pod) (b:sum)"),
	}
	w.dashboards.data.Consumers = []sentei.Consumer{dashboard("sum by (cluster) (b:sum)")}
	r, err := w.scan(t)
	if err != nil {
		t.Fatal(err)
	}
	live := map[string]string{}
	for _, c := range r.Consumers {
		if c.Kind == sentei.RecordingRule {
			live[c.Name] = c.Selectors[0].Live.String()
			if c.Dead != (c.Name == "b:sum:max") {
				t.Errorf("%s dead: %v", c.Name, c.Dead)
			}
		}
	}
	if live["b:sum"] != "cluster, pod" { // the partition of by() counts
		t.Errorf("b:sum needs %s of b", live["b:sum"])
	}
}

func TestAlertsReadTheirState(t *testing.T) {
	w := newWorld()
	w.inventory.inventory.Metrics = append(w.inventory.inventory.Metrics, sentei.Metric{Name: "ALERTS_FOR_STATE", Jobs: []sentei.JobMetric{{}}})
	w.rules.data.Consumers = []sentei.Consumer{alert("a > 0")}
	r, err := w.scan(t)
	if err != nil {
		t.Fatal(err)
	}
	if m := r.Metric("main", "ALERTS_FOR_STATE"); m.Verdict != sentei.Used {
		t.Errorf("ALERTS_FOR_STATE is %s", m.Verdict)
	}
}

func TestScanFailsOnlyWithoutAnyInventory(t *testing.T) {
	w := newWorld()
	w.inventory.err = errors.New("no such directory")
	_, err := w.scan(t)
	if !errors.Is(err, ErrNoInventory) || !strings.Contains(err.Error(), "block: no such directory") {
		t.Errorf("got %v", err)
	}
}

func TestScore(t *testing.T) {
	w := newWorld() // 60 series in all: a has 20, b and c and the recorded ones 10 each
	w.rules.data.Consumers = []sentei.Consumer{alert(`a{job="api"}`)}
	w.queries.data.Consumers = []sentei.Consumer{query("b", now.Add(-15*24*time.Hour))}
	r, err := w.scan(t)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{
		"a": 100 * 10 / 60.,                    // an alert reads it in one of two jobs
		"b": 100 * 10 / 60. * (1 - 0.5*(3/4.)), // asked three times, half a window ago
		"c": 100 * 10 / 60.,                    // nobody
	}
	for name, score := range want {
		m := r.Metric("main", name)
		if d := m.Score - score; d > 1e-9 || d < -1e-9 {
			t.Errorf("%s has score %v, want %v", name, m.Score, score)
		}
	}
	if m := r.Metric("main", "a"); m.PerMonth != 2 {
		t.Errorf("a costs %v a month, want 2", m.PerMonth)
	}
}

func TestQueryWithoutATimeIsFresh(t *testing.T) {
	c := query("a", time.Time{})
	if use := adHocUse(&c, now, time.Hour); use != 0.75 {
		t.Errorf("use %v", use)
	}
}

// A server does not show what files of scrape_config_files say of their jobs.
func TestMergeHonorLabelsOfTheFile(t *testing.T) {
	c := &collection{
		backend: &Backend{Name: "main", ScrapeJobs: []sentei.ScrapeJob{{Name: "b", HonorLabels: true}, {Name: "c", HonorLabels: true}, {Name: "f"}, {Name: "g", HonorLabels: true}}},
		inventories: []*sentei.Inventory{{From: now, To: now, ScrapeJobs: []sentei.ScrapeJob{{Name: "a", HonorLabels: true}, {Name: "b", OpenJobs: true}, {Name: "d"},
			{Name: "e", HonorLabels: true, Assumed: true}, {Name: "f", HonorLabels: true, Assumed: true}, {Name: "g", HonorLabels: true, Assumed: true}}}},
	}
	want := []sentei.ScrapeJob{{Name: "a", HonorLabels: true}, {Name: "b", HonorLabels: true, OpenJobs: true}, {Name: "d"},
		{Name: "e", HonorLabels: true, Assumed: true}, {Name: "f"}, {Name: "g", HonorLabels: true}}
	merged := merge(c)
	if d := cmp.Diff(want, merged.ScrapeJobs); d != "" {
		t.Error(d)
	}
	if p := assumedProblems(merged); len(p) != 1 || p[0].Blocking || !strings.HasSuffix(p[0].Hint, "this is about e") {
		t.Errorf("%+v", p)
	}
	merged.ScrapeJobs = want[:3]
	if p := assumedProblems(merged); len(p) != 0 {
		t.Errorf("%+v", p)
	}
}

// Two sources that tell of one address tell of it once; the file is asked when
// no source knows of targets.
func TestMergeDuplicateTargets(t *testing.T) {
	twice := func(urls ...string) (out []sentei.DuplicateTarget) {
		for _, u := range urls {
			out = append(out, sentei.DuplicateTarget{URL: u})
		}
		return out
	}
	jobs := []sentei.ScrapeJob{{Name: "j"}}
	for name, tt := range map[string]struct {
		inventories []*sentei.Inventory
		want        []sentei.DuplicateTarget
	}{
		"two servers":     {[]*sentei.Inventory{{ScrapeJobs: jobs, DuplicateTargets: twice("b", "c")}, {ScrapeJobs: jobs, DuplicateTargets: twice("a", "b")}}, twice("a", "b", "c")},
		"no server":       {[]*sentei.Inventory{{}}, twice("f")},
		"a server's none": {[]*sentei.Inventory{{ScrapeJobs: jobs}}, nil},
	} {
		c := &collection{backend: &Backend{ScrapeJobs: jobs, DuplicateTargets: twice("f")}, inventories: tt.inventories}
		if d := cmp.Diff(tt.want, merge(c).DuplicateTargets); d != "" {
			t.Errorf("%s: -want +got\n%s", name, d)
		}
	}
}

func TestMergeFirstInventoryWins(t *testing.T) {
	c := &collection{backend: &Backend{Name: "main", ScrapeJobs: []sentei.ScrapeJob{{Name: "file"}}}, inventories: []*sentei.Inventory{
		{From: now.Add(-time.Hour), To: now, Metrics: []sentei.Metric{{Name: "b", Jobs: []sentei.JobMetric{{Job: "x", Cost: sentei.Cost{Series: 1, SeriesInSpan: 3}, Labels: []sentei.LabelStats{{Name: "l", Distinct: 2}}}}}}, Estimated: []string{"z"}},
		{From: now.Add(-2 * time.Hour), To: now.Add(-time.Hour), Metrics: []sentei.Metric{{Name: "a"}, {Name: "b", Type: "gauge", Jobs: []sentei.JobMetric{
			{Job: "w", Cost: sentei.Cost{Series: 2}}, {Job: "x", Cost: sentei.Cost{Series: 3}, Labels: []sentei.LabelStats{{Name: "k"}, {Name: "l", Distinct: 1}}},
		}}}, Estimated: []string{"y", "z"}},
	}}
	got := merge(c)
	want := &sentei.Inventory{
		Backend: "main", From: now.Add(-2 * time.Hour), To: now,
		Metrics: []sentei.Metric{{Name: "a"}, {Name: "b", Type: "gauge", Jobs: []sentei.JobMetric{
			{Job: "w", Cost: sentei.Cost{Series: 2}}, {Job: "x", Cost: sentei.Cost{Series: 1, SeriesInSpan: 3}, Labels: []sentei.LabelStats{{Name: "k"}, {Name: "l", Distinct: 2}}},
		}}},
		ScrapeJobs: []sentei.ScrapeJob{{Name: "file"}}, Estimated: []string{"y", "z"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

package sentei

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/prometheus/model/labels"
	"pgregory.net/rapid"
)

func match(name, value string) *labels.Matcher {
	return labels.MustNewMatcher(labels.MatchRegexp, name, value)
}

func ownerRule(owner string, matchers ...*labels.Matcher) OwnerRule {
	return OwnerRule{owner, matchers}
}

// counted returns the statistics of a label whose values have so many series.
func counted(name string, complete bool, values ...LabelValue) LabelStats {
	l := LabelStats{Name: name, Values: values, Complete: complete}
	for _, v := range values {
		l.Series += v.Series
	}
	return l
}

func TestOwnerShares(t *testing.T) {
	job := func(name string, stats ...LabelStats) JobMetric {
		return JobMetric{Job: name, Cost: Cost{Series: 50, SeriesInSpan: 100}, Labels: stats}
	}
	namespaces := counted("namespace", true, LabelValue{"pay-a", 40}, LabelValue{"pay-b", 20}, LabelValue{"web", 30})
	teams := counted("team", true, LabelValue{"red", 50}, LabelValue{"blue", 50})
	cut := counted("namespace", false, LabelValue{"pay-a", 40}, LabelValue{"web", 30})
	rules := []OwnerRule{
		ownerRule("platform", match("job", "node|kubelet")),
		ownerRule("checkout", match("__name__", "checkout_.*")),
		ownerRule("payments", match("namespace", "pay.*")),
	}
	for name, c := range map[string]struct {
		owners Owners
		metric string
		job    JobMetric
		want   []OwnerShare
	}{
		"by job":              {Owners{Rules: rules}, "m", job("node", namespaces), []OwnerShare{{"platform", 1}}},
		"by name, whole":      {Owners{Rules: rules}, "checkout_total", job("web", namespaces), []OwnerShare{{"checkout", 1}}},
		"names are anchored":  {Owners{Rules: rules, Default: "rest"}, "my_checkout_total", job("web", teams), []OwnerShare{{"rest", 1}}},
		"by label":            {Owners{Rules: rules}, "m", job("web", namespaces), []OwnerShare{{"(nobody)", 0.4}, {"payments", 0.6}}},
		"a rule beats":        {Owners{Rules: rules, Label: "team"}, "m", job("node", teams), []OwnerShare{{"platform", 1}}},
		"value of the label":  {Owners{Label: "team"}, "m", job("web", teams), []OwnerShare{{"blue", 0.5}, {"red", 0.5}}},
		"no label":            {Owners{Label: "team", Default: "rest"}, "m", job("web", namespaces), []OwnerShare{{"rest", 1}}},
		"labels not read":     {Owners{Label: "team"}, "m", JobMetric{Job: "web"}, []OwnerShare{{NotKnown, 1}}},
		"not read, by job":    {Owners{Rules: rules, Label: "team"}, "m", JobMetric{Job: "node"}, []OwnerShare{{"platform", 1}}},
		"values not read":     {Owners{Rules: rules, Default: "rest"}, "m", job("web", cut), []OwnerShare{{NotKnown, 0.3}, {"payments", 0.4}, {"rest", 0.3}}},
		"labels together":     {Owners{Rules: rules, Label: "team"}, "m", job("web", namespaces, teams), []OwnerShare{{"blue", 0.2}, {"payments", 0.6}, {"red", 0.2}}},
		"a value is for one":  {Owners{Rules: append(slices.Clone(rules), ownerRule("late", match("namespace", "pay-a|web")))}, "m", job("web", namespaces), []OwnerShare{{"(nobody)", 0.1}, {"late", 0.3}, {"payments", 0.6}}},
		"both of one rule":    {Owners{Rules: []OwnerRule{ownerRule("a", match("namespace", "web"), match("team", "red")), ownerRule("b", match("namespace", "web"))}}, "m", job("web", namespaces, teams), []OwnerShare{{"(nobody)", 0.7}, {"a", 0.15}, {"b", 0.15}}},
		"without a label":     {Owners{Rules: []OwnerRule{ownerRule("a", match("namespace", ""))}}, "m", job("web", namespaces), []OwnerShare{{"(nobody)", 0.9}, {"a", 0.1}}},
		"of one label, twice": {Owners{Rules: []OwnerRule{ownerRule("a", match("namespace", "pay.*"), match("namespace", ".*-a"))}}, "m", job("web", namespaces), []OwnerShare{{"(nobody)", 0.6}, {"a", 0.4}}},
	} {
		got := c.owners.Shares(c.metric, &c.job)
		if d := cmp.Diff(c.want, got, cmpopts.EquateApprox(0, 1e-9)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// TestOwnerSharesOfOneLabel compares with series told one by one, where owners are
// told apart by one label: then shares are counted, not estimated.
func TestOwnerSharesOfOneLabel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j, values := drawJob(t)
		o := Owners{Default: "rest"}
		for i := range rapid.IntRange(0, 4).Draw(t, "rules") {
			o.Rules = append(o.Rules, ownerRule(fmt.Sprint("owner", i), match("v", rapid.SampledFrom([]string{"a|b", "b.*", "", "c", "a|c|", ".+"}).Draw(t, "regex"))))
		}
		if rapid.Bool().Draw(t, "by label") {
			o.Label = "v"
		}
		want := map[string]float64{}
		for _, v := range values {
			owner := v
			if o.Label == "" || v == "" {
				owner = "rest"
			}
			if i := slices.IndexFunc(o.Rules, func(r OwnerRule) bool { return all(r.Matchers, v) }); i >= 0 {
				owner = o.Rules[i].Owner
			}
			want[owner] += 1 / float64(len(values))
		}
		got := map[string]float64{}
		for _, s := range o.Shares("m", &j) {
			got[s.Owner] = s.Share
		}
		if d := cmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-6)); d != "" {
			t.Fatalf("%v (-want +got):\n%s", values, d)
		}
	})
}

// drawJob returns a job and the value of the label v of each of its series.
func drawJob(t *rapid.T) (JobMetric, []string) {
	values := rapid.SliceOfN(rapid.SampledFrom([]string{"", "a", "b", "bb", "c"}), 1, 30).Draw(t, "values")
	n := map[string]int64{}
	for _, v := range values {
		n[v]++
	}
	l := LabelStats{Name: "v", Complete: true}
	for _, v := range []string{"a", "b", "bb", "c"} {
		if n[v] > 0 {
			l.Values = append(l.Values, LabelValue{v, n[v]})
		}
	}
	j := JobMetric{Job: "j", Cost: Cost{Series: int64(len(values)), SeriesInSpan: int64(len(values)), SamplesPerSecond: float64(len(values))}, Labels: []LabelStats{}}
	if len(l.Values) > 0 {
		j.Labels = append(j.Labels, l)
	}
	return j, values
}

// TestOwnersAddUp wants the parts of all owners to be the report: nothing twice,
// nothing left out, and no other verdict.
func TestOwnersAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := &Report{Backends: []Backend{{Name: "b", Budget: Budget{Series: 1}}}, Settings: Settings{Prices: Prices{PerThousandSeries: 1}}}
		r.Settings.Owners = Owners{Label: "v", Rules: []OwnerRule{ownerRule("one", match("v", "a|b")), ownerRule("two", match("__name__", "m1"))}}
		for i := range rapid.IntRange(1, 4).Draw(t, "metrics") {
			m := MetricReport{Backend: "b", Metric: Metric{Name: fmt.Sprint("m", i)}, Usage: Usage{Verdict: Unused}, Score: 10}
			for range rapid.IntRange(1, 3).Draw(t, "jobs") {
				j, _ := drawJob(t)
				j.Job = fmt.Sprint("job", len(m.Jobs))
				m.Jobs, m.JobUsage = append(m.Jobs, j), append(m.JobUsage, JobUsage{Usage: Usage{Verdict: Unused}})
			}
			m.Cost = m.Metric.Cost()
			m.PerMonth = r.Settings.Prices.PerMonth(m.Cost)
			r.Metrics = append(r.Metrics, m)
			p := Proposal{ID: m.Name, Place: Place{Backend: "b", Job: "job0"}, Action: Action{Kind: DropMetric, Metric: m.Name}, Saving: m.Jobs[0].Cost}
			if rapid.Bool().Draw(t, "values") {
				p.Action.Kind, p.Action.Label, p.Action.Values = DropValues, "v", []string{"a", "c"}
			}
			r.Proposals = append(r.Proposals, p)
		}
		_, want, money := r.Total("")
		saving, _ := r.Savings()
		var got, saved Cost
		gotMoney, score := 0.0, 0.0
		for _, owner := range r.Owners() {
			part := r.OfOwner(owner)
			_, c, m := part.Total(Unused)
			got, gotMoney = got.Plus(c), gotMoney+m
			c, _ = part.Savings()
			saved = saved.Plus(c)
			for _, m := range part.Metrics {
				score += m.Score
			}
			if part.Part.Owner != owner || part.Backends[0].Budget.Series != 0 {
				t.Errorf("part of %s: %+v", owner, part.Part)
			}
		}
		if got.Series != want.Series || got.SeriesInSpan != want.SeriesInSpan || math.Abs(gotMoney-money) > 1e-6 || math.Abs(score-10*float64(len(r.Metrics))) > 1e-6 {
			t.Errorf("the parts are %+v, %v, the whole %+v, %v; scores %v", got, gotMoney, want, money, score)
		}
		if saved.Series != saving.Series {
			t.Errorf("the parts save %+v, the whole %+v", saved, saving)
		}
	})
}

// TestOfOwner wants what concerns the owner, and nothing else.
func TestOfOwner(t *testing.T) {
	usage := func(v Verdict, readers ...string) JobUsage {
		return JobUsage{Usage: Usage{Verdict: v, Readers: readers}}
	}
	stats := counted("namespace", true, LabelValue{"pay", 25}, LabelValue{"web", 75})
	other := LabelStats{Name: "pod", Series: 100, SeriesWithout: 40, SeriesWithoutLive: -1}
	shared := usage(Used, "c1")
	shared.Labels = []LabelUsage{{Name: "namespace", Verdict: Used}, {Name: "pod", Verdict: Unused, UnusedValueSeries: 8}}
	r := &Report{
		Settings: Settings{Owners: Owners{Rules: []OwnerRule{ownerRule("payments", match("namespace", "pay"))}}},
		Backends: []Backend{{Name: "b"}},
		Metrics: []MetricReport{
			{
				Backend: "b", Usage: Usage{Verdict: PartlyUsed, Readers: []string{"c1"}}, Cost: Cost{Series: 150, SeriesInSpan: 150},
				Metric: Metric{Name: "m", Jobs: []JobMetric{
					{Job: "api", Cost: Cost{Series: 100, SeriesInSpan: 100}, Labels: []LabelStats{stats, other}},
					{Job: "web", Cost: Cost{Series: 50, SeriesInSpan: 50}, Labels: []LabelStats{}},
				}},
				JobUsage: []JobUsage{shared, usage(Unused)},
			},
			{
				Backend: "b", Usage: Usage{Verdict: Used, Readers: []string{"c2"}}, Cost: Cost{Series: 5, SeriesInSpan: 5},
				Metric: Metric{Name: "n", Jobs: []JobMetric{{Job: "web", Cost: Cost{Series: 5, SeriesInSpan: 5}, Labels: []LabelStats{}}}}, JobUsage: []JobUsage{usage(Used, "c2")},
			},
		},
		Consumers: []Consumer{{ID: "c1", Backend: "b"}, {ID: "c2", Backend: "b"}, {ID: "c3", Backend: "far"}},
		Proposals: []Proposal{
			{ID: "api", Place: Place{Backend: "b", Job: "api"}, Action: Action{Kind: StripLabel, Label: "pod"}, Saving: Cost{Series: 40}},
			{ID: "pay", Place: Place{Backend: "b", Job: "api"}, Action: Action{Kind: DropValues, Metric: "m", Label: "namespace", Values: []string{"pay"}}, Saving: Cost{Series: 25}},
			{ID: "web", Place: Place{Backend: "b", Job: "web"}, Action: Action{Kind: DropMetric, Metric: "m"}, Saving: Cost{Series: 50}},
		},
		Tracked: []Tracked{
			{Proposal: Proposal{ID: "gone", Place: Place{Backend: "b", Job: "old"}, Action: Action{Metric: "gone"}}, Regrets: []Regret{{Consumer: "c3"}}},
			{Proposal: Proposal{ID: "quiet", Place: Place{Backend: "b", Job: "old"}, Action: Action{Metric: "gone"}}},
		},
		Findings: []Finding{{ID: "f1", Backend: "b", Jobs: []string{"api"}}, {ID: "f2", Backend: "b", Jobs: []string{"web"}}, {ID: "f3"}},
	}
	if d := cmp.Diff([]string{Nobody, "payments"}, r.Owners()); d != "" {
		t.Errorf("owners (-want +got):\n%s", d)
	}
	got := r.OfOwner("payments")
	m := got.Metrics[0]
	if len(got.Metrics) != 1 || len(m.Jobs) != 1 || m.Cost.Series != 25 || m.Verdict != PartlyUsed || m.JobUsage[0].Verdict != Used || got.Part.Shared != 1 {
		t.Errorf("metrics %+v", got.Metrics)
	}
	want := []LabelStats{{Name: "pod", Series: 25, SeriesWithout: 10, SeriesWithoutLive: -1}}
	if d := cmp.Diff(want, m.Jobs[0].Labels); d != "" {
		t.Errorf("labels (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]LabelUsage{{Name: "pod", Verdict: Unused, UnusedValueSeries: 2}}, m.JobUsage[0].Labels); d != "" {
		t.Errorf("label usage (-want +got):\n%s", d)
	}
	var ids []string
	for _, p := range got.Proposals {
		ids = append(ids, fmt.Sprint(p.ID, p.Saving.Series))
	}
	for _, tracked := range got.Tracked {
		ids = append(ids, tracked.ID)
	}
	for _, f := range got.Findings {
		ids = append(ids, f.ID)
	}
	for _, c := range got.Consumers {
		ids = append(ids, c.ID)
	}
	if d := cmp.Diff([]string{"pay25", "api10", "gone", "f1", "c1", "c3"}, ids); d != "" {
		t.Errorf("what concerns the owner (-want +got):\n%s", d)
	}
	if d := cmp.Diff(int64(100), r.Metrics[0].Jobs[0].Cost.Series); d != "" {
		t.Error("the whole report has changed")
	}
}

// TestSplitCostOfEveryField wants the parts of each figure to add up.
func TestSplitCostOfEveryField(t *testing.T) {
	whole := Cost{Series: 7, SeriesInSpan: 9, SamplesPerSecond: 1, ChurnPerHour: 2, EndedPerHour: 3, MemoryBytes: 4, DiskBytesPerDay: 5}
	var sum Cost
	for _, c := range splitCost(whole, []OwnerShare{{"a", 0.25}, {"b", 0.5}, {"c", 0.25}}, "m") {
		sum = sum.Plus(c.Cost)
	}
	if sum != whole {
		t.Errorf("%+v", sum)
	}
}

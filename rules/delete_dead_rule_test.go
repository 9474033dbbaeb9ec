package rules

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
)

// recording returns a recording rule at a line of rules.yml that reads one
// metric.
func recording(records string, line int, dead bool, reads string) sentei.Consumer {
	c := reader(sentei.RecordingRule, records, eq("__name__", reads))
	c.Records, c.Dead, c.Text = records, dead, "sum("+reads+")"
	c.Source, c.Location = "rule_files", sentei.Location{File: "rules.yml", Line: line, Group: "g"}
	return c
}

// deadReport has a chain of two dead rules over the metric raw, a dead rule
// over another, and one over a metric that a dashboard reads, too.
func deadReport() *sentei.Report {
	raw, other, read := metric("raw", []string{"a"}, sentei.Unused), metric("other", []string{"a"}, sentei.Unused), metric("read", []string{"a"}, sentei.Used)
	one := metric("one:sum", []string{"a"}, sentei.Unused)
	raw.JobUsage[0].DeadReaders, other.JobUsage[0].DeadReaders = []string{"one:sum"}, []string{"three:sum"}
	one.RecordedBy = "one:sum"
	r := build([]sentei.ScrapeJob{scrapeJob("a", "a")}, []sentei.MetricReport{one, other, raw, read},
		recording("one:sum", 3, true, "raw"), recording("two:sum", 5, true, "one:sum"), recording("three:sum", 7, true, "other"),
		recording("four:sum", 9, true, "read"), recording("alive:sum", 11, false, "read"),
		reader(sentei.Dashboard, "d", eq("__name__", "alive:sum")), reader(sentei.Dashboard, "e", eq("__name__", "read")))
	r.Sources = []sentei.SourceStatus{{Backend: "b", Name: "rule_files", Kind: "rule_files", Class: sentei.ClassRules, Up: true}}
	return r
}

// groupsOf returns the metrics of each group, and those of none one by one.
func groupsOf(proposals []sentei.Proposal) []string {
	byGroup := map[string][]string{}
	var out []string
	for _, p := range proposals {
		if p.Group == "" {
			out = append(out, p.Action.Metric)
		} else {
			byGroup[p.Group] = append(byGroup[p.Group], p.Action.Metric)
		}
	}
	for group, metrics := range byGroup {
		if !slices.ContainsFunc(proposals, func(p sentei.Proposal) bool { return p.ID == group && p.Group == group }) {
			out = append(out, "a group that is named after none of it")
		}
		slices.Sort(metrics)
		out = append(out, strings.Join(metrics, "+"))
	}
	slices.Sort(out)
	return out
}

func TestDeleteDeadRule(t *testing.T) {
	r := deadReport()
	proposals, problems := propose(t, r, allRules(t))
	if len(problems) > 0 {
		t.Errorf("problems %+v", problems)
	}
	if d := cmp.Diff([]string{"four:sum", "one:sum+raw+two:sum", "other+three:sum"}, groupsOf(proposals)); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	for _, p := range proposals {
		if p.Action.Kind != sentei.DeleteRules {
			continue
		}
		want := sentei.Cost{}
		if p.Action.Metric == "one:sum" { // the only one with stored output
			want = r.Metrics[0].Cost
		}
		if p.Saving != want || p.Place != (sentei.Place{Backend: "b"}) || p.Proof == nil || !strings.Contains(p.Evidence[0].Claim, "rules.yml:") {
			t.Errorf("%+v", p)
		}
	}
}

// TestDeleteDeadRuleID holds the identifiers, and with them what was decided,
// when lines are added above the rules.
func TestDeleteDeadRuleID(t *testing.T) {
	ids := func(lines int) []string {
		r := deadReport()
		for i := range r.Consumers {
			c := &r.Consumers[i]
			c.Location.Line += lines
			c.ID = c.Name + c.Location.String()
		}
		proposals, _ := propose(t, r, allRules(t))
		var out []string
		for _, p := range proposals {
			out = append(out, p.ID+" in "+p.Group)
		}
		return out
	}
	if d := cmp.Diff(ids(0), ids(10)); d != "" {
		t.Errorf("-before +after\n%s", d)
	}
}

func TestDeleteDeadRuleLeavesOut(t *testing.T) {
	tests := map[string]struct {
		change func(*sentei.Report)
		keep   []string
		want   []string
	}{
		"as it is": {func(*sentei.Report) {}, nil, []string{"one:sum+two:sum", "three:sum", "four:sum"}},
		"kept":     {func(*sentei.Report) {}, []string{"one:sum"}, []string{"three:sum", "two:sum", "four:sum"}},
		"an open problem": {func(r *sentei.Report) {
			r.Problems = []sentei.Problem{{Backend: "b", Blocking: true}}
		}, nil, nil},
		"an accepted problem": {func(r *sentei.Report) {
			r.Problems = []sentei.Problem{{Backend: "b", Blocking: true, Accepted: "why not"}}
		}, nil, []string{"one:sum+two:sum", "three:sum", "four:sum"}},
		"read in another backend": {func(r *sentei.Report) {
			m := metric("three:sum", []string{"a"}, sentei.Used)
			m.Backend = "c"
			r.Backends = append(r.Backends, sentei.Backend{Name: "c"})
			r.Metrics = append(r.Metrics, m)
		}, nil, []string{"one:sum+two:sum", "four:sum"}},
		"a reader that the verdict forgot": {func(r *sentei.Report) {
			c := reader(sentei.Dashboard, "late", eq("__name__", "three:sum"))
			c.Backend = "b"
			r.Consumers = append(r.Consumers, c)
		}, nil, []string{"one:sum+two:sum", "four:sum"}},
		"found twice": {func(r *sentei.Report) {
			c := r.Consumers[2]
			c.ID, c.Source, c.Location.File, c.Location.Line = "again", "prometheus_rules", "/etc/rules.yml", 0
			r.Consumers = append(r.Consumers, c)
		}, nil, []string{"one:sum+two:sum", "three:sum", "four:sum"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := deadReport()
			tt.change(r)
			proposals, problems := propose(t, r, []Rule{deleteDeadRuleOptions{Keep: tt.keep}})
			slices.Sort(tt.want)
			if d := cmp.Diff(tt.want, groupsOf(proposals)); d != "" || len(problems) > 0 {
				t.Errorf("problems %+v, -want +got\n%s", problems, d)
			}
			for _, p := range proposals {
				if len(p.Action.Rules) > 1 && !strings.Contains(p.Evidence[0].Claim, " rules.yml:7") {
					t.Errorf("evidence %+v", p.Evidence)
				}
			}
		})
	}
}

// TestDeleteDeadRuleProof gives deletions that the consumers contradict.
func TestDeleteDeadRuleProof(t *testing.T) {
	for reason, a := range map[string]sentei.Action{
		"":                                {Metric: "one:sum", Rules: []string{"one:sum"}},
		"no rule is named":                {Metric: "one:sum"},
		"there is no consumer x":          {Metric: "one:sum", Rules: []string{"x"}},
		"is no recording rule":            {Metric: "d", Rules: []string{"d"}},
		"does not record":                 {Metric: "raw", Rules: []string{"one:sum"}},
		"has an audience":                 {Metric: "alive:sum", Rules: []string{"alive:sum"}},
		`may read what recording rule "d`: {Metric: "doomed", Rules: []string{"doomed"}},
	} {
		r := deadReport()
		for _, c := range []sentei.Consumer{recording("doomed", 13, true, "raw"), reader(sentei.Dashboard, "z", eq("__name__", "doomed"))} {
			c.ID, c.Backend = c.Name, "b"
			r.Consumers = append(r.Consumers, c)
		}
		a.Kind = sentei.DeleteRules
		p := sentei.Proposal{Grade: sentei.GradeA, Place: sentei.Place{Backend: "b"}, Action: a}
		proven, refuted := prove(&Input{Report: r}, []sentei.Proposal{p})
		if (len(proven) == 1) != (reason == "") || len(refuted) == 1 && !strings.Contains(refuted[0].Message, reason) {
			t.Errorf("%q: proven %d, refuted %+v", reason, len(proven), refuted)
		}
	}
}

// TestTogether withdraws one of a group.
func TestTogether(t *testing.T) {
	all := []sentei.Proposal{{ID: "1", Group: "1"}, {ID: "2", Group: "1"}, {ID: "3"}, {ID: "4", Group: "4"}, {ID: "5", Group: "4"}}
	got := together(all, []sentei.Proposal{all[1], all[3], all[4]})
	if len(got) != 2 || got[0].ID != "4" {
		t.Errorf("%+v", got)
	}
}

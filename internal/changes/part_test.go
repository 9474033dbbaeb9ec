package changes

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
)

// owned makes a report of metrics that have one job and the label team, of
// which nothing was read where the team is empty.
func owned(after time.Duration, series map[string]int64, teams map[string]string) *sentei.Report {
	r := report(after)
	r.Settings.Owners = sentei.Owners{Label: "team"}
	r.Backends = []sentei.Backend{{Name: "b"}}
	for _, name := range []string{"gone", "grew", "kept", "left", "moved", "unread"} {
		n, team := series[name], teams[name]
		if n == 0 {
			continue
		}
		m := metric(name, sentei.Used, n)
		if team != "" {
			m.Jobs[0].Labels = []sentei.LabelStats{{Name: "team", Series: n, Distinct: 1, Complete: true, Values: []sentei.LabelValue{{Value: team, Series: n}}}}
		}
		m.JobUsage = []sentei.JobUsage{{Usage: sentei.Usage{Verdict: sentei.Used, Readers: []string{"reads " + name}}}}
		r.Metrics = append(r.Metrics, m)
		r.Consumers = append(r.Consumers, sentei.Consumer{ID: "reads " + name, Kind: sentei.AlertingRule, Backend: "b", Name: name})
		r.Proposals = append(r.Proposals, sentei.Proposal{
			ID: name, Place: sentei.Place{Backend: "b", Job: "j"}, Action: sentei.Action{Kind: sentei.DropMetric, Metric: name}, Saving: sentei.Cost{Series: n},
		})
	}
	return r
}

// TestNotKnownOwners does not call metrics gone or new whose labels were not
// read in one of the reports.
func TestNotKnownOwners(t *testing.T) {
	full := map[string]string{"gone": "obs", "grew": "obs", "kept": "obs", "left": "obs", "moved": "obs"}
	partly := map[string]string{"grew": "obs", "kept": "obs", "left": "web"}
	a := owned(0, map[string]int64{"gone": 1, "grew": 2, "kept": 3, "left": 4, "moved": 51, "unread": 7}, full)
	b := owned(time.Hour, map[string]int64{"grew": 20, "kept": 3, "left": 4, "moved": 51, "unread": 9}, partly)
	back := owned(2*time.Hour, map[string]int64{"gone": 1, "grew": 20, "kept": 3, "left": 4, "moved": 60, "unread": 9}, full)
	for name, test := range map[string]struct {
		before, after *sentei.Report
		owner         string
		metrics       map[string]Kind
		others        map[string]Kind // proposals and consumers
		notCompared   int
	}{
		"not read any more": {a, b, "obs", map[string]Kind{"gone": Gone, "grew": Grew, "left": Gone}, map[string]Kind{"gone": Gone, "left": Gone}, 1},
		"read again":        {b, back, "obs", map[string]Kind{"gone": New, "left": New}, map[string]Kind{"gone": New, "left": New}, 1},
		"nobody knows":      {a, b, sentei.NotKnown, map[string]Kind{"unread": Grew}, map[string]Kind{"moved": New}, 1},
	} {
		was, is := test.before.OfOwner(test.owner), test.after.OfOwner(test.owner)
		is.SetGrowth(was)
		for i := range is.Metrics {
			if m := &is.Metrics[i]; m.Name == "moved" && m.SeriesGrowth != nil {
				t.Errorf("%s: growth %d", name, *m.SeriesGrowth)
			}
		}
		got := Between(was, is)
		metrics, proposals, consumers := map[string]Kind{}, map[string]Kind{}, map[string]Kind{}
		for _, m := range got.Metrics {
			metrics[m.Name] = m.Kind
		}
		for _, p := range got.Proposals {
			proposals[p.ID] = p.Kind
		}
		for _, c := range got.Consumers {
			consumers[c.Name] = c.Kind
		}
		if d := cmp.Diff(test.metrics, metrics); d != "" {
			t.Errorf("%s: metrics (-want +got):\n%s", name, d)
		}
		if d := cmp.Diff(test.others, proposals); d != "" {
			t.Errorf("%s: proposals (-want +got):\n%s", name, d)
		}
		if d := cmp.Diff(test.others, consumers); d != "" {
			t.Errorf("%s: consumers (-want +got):\n%s", name, d)
		}
		if got.NotCompared != test.notCompared || got.Uncertain() == "" {
			t.Errorf("%s: %d were not compared: %s", name, got.NotCompared, got.Uncertain())
		}
	}
	if got := Between(a, b); got.NotCompared != 0 || got.Uncertain() != "" || len(got.Metrics) != 3 {
		t.Errorf("whole reports: %+v", got)
	}
}

package relabel

import (
	"strings"
	"testing"
	"time"

	"github.com/sentei/sentei"
)

// Two proposals each rewrite the same expression without the other. Who did as
// both say would take the first one back with the second.
func TestRecordingRulesRewriteOnce(t *testing.T) {
	aggregate := func(id, metric, to string) sentei.Proposal {
		return sentei.Proposal{
			ID: id, Grade: sentei.GradeC, State: sentei.Accepted, Place: sentei.Place{Backend: "b", ScrapeJob: "a", Job: "a", Shared: true},
			Action: sentei.Action{
				Kind: sentei.Aggregate, Metric: metric, Labels: []string{"pod"}, Function: "max", Interval: time.Minute,
				Recordings: []sentei.Recording{{Record: metric + ":max", Expr: "max without (pod) (" + metric + ")"}},
				Rewrites:   []sentei.Rewrite{{Consumer: "c", From: "max(m) / max(n)", To: to}},
			},
		}
	}
	r := &sentei.Report{
		Backends: []sentei.Backend{{Name: "b", ScrapeJobs: []sentei.ScrapeJob{{Name: "a", JobLabels: []string{"a"}}}}},
		Proposals: []sentei.Proposal{
			aggregate("111111111111", "m", "max(m:max) / max(n)"),
			aggregate("222222222222", "n", "max(m) / max(n:max)"),
			aggregate("333333333333", "o", "max(m:max) / max(n)"),
		},
	}
	var b strings.Builder
	if err := writeRecordingRules(&b, r, Options{}); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int{"record: 'm:max'": 1, "record: 'n:max'": 0, "record: 'o:max'": 1, "max(m) / max(n:max)": 0, "it follows when that one is carried out": 1} {
		if got := strings.Count(b.String(), text); got != want {
			t.Errorf("%q stands there %d times, want %d:\n%s", text, got, want, b.String())
		}
	}
}

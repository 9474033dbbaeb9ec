package sentei

import (
	"testing"

	"github.com/prometheus/prometheus/model/labels"
)

func TestJobMetricMayMatch(t *testing.T) {
	job := JobMetric{Job: "node", Labels: []LabelStats{{Name: "mode", Values: []LabelValue{{"idle", 2}}, Complete: true}}}
	unread := JobMetric{Job: "node"} // labels not known
	m := labels.MustNewMatcher
	name := m(labels.MatchEqual, "__name__", "node_cpu_seconds_total")
	prefix := m(labels.MatchRegexp, "__name__", "node_.*")
	anyName := m(labels.MatchRegexp, "__name__", ".+")
	notName := m(labels.MatchNotEqual, "__name__", "up")
	tests := map[string]struct {
		job      JobMetric
		matchers []*labels.Matcher
		want     bool
	}{
		"the name alone":                   {job, []*labels.Matcher{name}, true},
		"another name":                     {job, []*labels.Matcher{m(labels.MatchEqual, "__name__", "node_cpu")}, false},
		"name refused by a second matcher": {job, []*labels.Matcher{name, m(labels.MatchNotRegexp, "__name__", "node_.*")}, false},
		"another job":                      {job, []*labels.Matcher{name, m(labels.MatchEqual, "job", "api")}, false},
		"another job, where job is an external label": {job, []*labels.Matcher{name, m(labels.MatchEqual, "job", "eu")}, true},
		"job by regex":                          {job, []*labels.Matcher{name, m(labels.MatchRegexp, "job", "no.*")}, true},
		"a value not seen yet may come":         {job, []*labels.Matcher{name, m(labels.MatchEqual, "mode", "steal")}, true},
		"named, with a label it lacks":          {job, []*labels.Matcher{name, m(labels.MatchEqual, "cpu", "0")}, true},
		"by prefix, a label may come":           {job, []*labels.Matcher{prefix, m(labels.MatchEqual, "cpu", "0")}, true},
		"by prefix, refused by the job":         {job, []*labels.Matcher{prefix, m(labels.MatchEqual, "job", "api")}, false},
		"any name, with a label it lacks":       {job, []*labels.Matcher{anyName, m(labels.MatchEqual, "cpu", "0")}, false},
		"any name, labels not known":            {unread, []*labels.Matcher{anyName, m(labels.MatchEqual, "cpu", "0")}, true},
		"not one name, a label that it lacks":   {job, []*labels.Matcher{notName, m(labels.MatchEqual, "cpu", "0")}, false},
		"no name, the label may be empty":       {job, []*labels.Matcher{m(labels.MatchNotEqual, "cpu", "0")}, true},
		"no name, with a label it has":          {job, []*labels.Matcher{m(labels.MatchEqual, "mode", "x")}, true},
		"no name, with an external label":       {job, []*labels.Matcher{m(labels.MatchEqual, "cluster", "eu")}, true},
		"no name at all, only the job":          {job, []*labels.Matcher{m(labels.MatchEqual, "job", "node")}, true},
		"no name at all, a label that it lacks": {job, []*labels.Matcher{m(labels.MatchEqual, "cpu", "0")}, false},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			external := []string{"cluster"}
			if title == "another job, where job is an external label" {
				external = append(external, "job")
			}
			if got := tt.job.MayMatch("node_cpu_seconds_total", tt.matchers, external); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

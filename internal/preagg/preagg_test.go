package preagg

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
)

func TestRewrite(t *testing.T) {
	counter := Aggregate{Metric: "m_total", Job: "a", Labels: []string{"instance", "pod"}, Function: "sum", Series: sentei.CounterSeries}
	gauge := Aggregate{Metric: "m", Job: "a", Labels: []string{"pod"}, Function: "sum", Series: sentei.GaugeSeries}
	largest := Aggregate{Metric: "m", Job: "a", Labels: []string{"pod"}, Function: "max", Series: sentei.GaugeSeries}
	among := func(a Aggregate) Aggregate { a.OtherJobs = true; return a }
	const rate = "m_total:rate5m_without_instance_pod = sum without (instance, pod) (rate(m_total[5m]))"
	tests := map[string]struct {
		of   Aggregate
		expr sentei.Expression
		want string
		recs []string
		err  string
	}{
		"a rate": {
			counter, sentei.Expression{Text: `sum by (code) (rate(m_total{code=~"5.."}[5m]))`},
			`sum by (code) (m_total:rate5m_without_instance_pod{code=~"5.."})`, []string{rate}, "",
		},
		"rates of two ranges in one": {
			counter, sentei.Expression{Text: `sum(rate(m_total[5m] offset 1d)) / sum((increase(m_total[1h]))) > 3`},
			`sum(m_total:rate5m_without_instance_pod offset 1d) / sum(m_total:increase1h_without_instance_pod) > 3`,
			[]string{"m_total:increase1h_without_instance_pod = sum without (instance, pod) (increase(m_total[1h]))", rate}, "",
		},
		"a rate in some jobs": {
			among(counter), sentei.Expression{Text: `sum(rate(m_total{code="5"}[5m]))`},
			`sum(m_total:rate5m_without_instance_pod{code="5",job="a"} or rate(m_total{code="5",job!="a"}[5m]))`,
			[]string{`m_total:rate5m_without_instance_pod = sum without (instance, pod) (rate(m_total{job="a"}[5m]))`}, "",
		},
		"a rate of this job": {
			among(counter), sentei.Expression{Text: `sum(rate(m_total{job="a"}[5m]))`},
			`sum(m_total:rate5m_without_instance_pod{job="a"})`,
			[]string{`m_total:rate5m_without_instance_pod = sum without (instance, pod) (rate(m_total{job="a"}[5m]))`}, "",
		},
		"a rate of another job": {among(counter), sentei.Expression{Text: `max(m_total{job="b"})`}, `max(m_total{job="b"})`, nil, ""},
		"whether a counter is there": {
			counter, sentei.Expression{Text: `absent(m_total{code="5"})`}, `absent(m_total:group_without_instance_pod{code="5"})`,
			[]string{"m_total:group_without_instance_pod = group without (instance, pod) (m_total)"}, "",
		},
		"a level": {
			largest, sentei.Expression{Text: `max without (x) (max_over_time(m{q="$q"}[$__interval])) + max(m)`, Template: true},
			`max without (x) (max_over_time(m:max_without_pod{q="$q"}[$__interval])) + max(m:max_without_pod)`,
			[]string{"m:max_without_pod = max without (pod) (m)"}, "",
		},
		"a job by variable": {
			counter, sentei.Expression{Text: `sum(rate(m_total{job=~"$job"}[5m]))`, Template: true},
			`sum(m_total:rate5m_without_instance_pod{job=~"$job"})`, []string{rate}, "",
		},
		"one of the jobs by variable": {
			among(gauge), sentei.Expression{Text: `sum(m{job="$job"})`, Template: true},
			`sum(m:sum_without_pod{job="$job",job="a"} or m{job!="a",job="$job"})`,
			[]string{`m:sum_without_pod = sum without (pod) (m{job="a"})`}, "",
		},
		"a list of a job by variable": {
			largest, sentei.Expression{Text: `label_values(m{job="[[job]]"}, code)`, VariableQuery: true},
			`label_values(m:max_without_pod{job="[[job]]"}, code)`, []string{`m:max_without_pod = max without (pod) (m)`}, "",
		},
		"a job of that name": {gauge, sentei.Expression{Text: `sum(m{job="$job"})`}, `sum(m{job="$job"})`, nil, ""},
		"the largest of some jobs": {
			among(largest), sentei.Expression{Text: `max(max_over_time(m[5m]))`},
			`max(max_over_time(m:max_without_pod{job="a"}[5m]) or max_over_time(m{job!="a"}[5m]))`,
			[]string{`m:max_without_pod = max without (pod) (m{job="a"})`}, "",
		},
		"a list": {
			among(largest), sentei.Expression{Text: `label_values(m{x="$x"}, code)`, VariableQuery: true},
			`label_values({__name__=~"m|m:max_without_pod",x="$x"}, code)`, []string{`m:max_without_pod = max without (pod) (m{job="a"})`}, "",
		},
		"a list of one job": {
			largest, sentei.Expression{Text: `label_values(m, code)`, VariableQuery: true},
			`label_values(m:max_without_pod, code)`, []string{`m:max_without_pod = max without (pod) (m)`}, "",
		},
		"another list":        {largest, sentei.Expression{Text: `label_values(n, code)`, VariableQuery: true}, `label_values(n, code)`, nil, ""},
		"a range by variable": {counter, sentei.Expression{Text: `sum(rate(m_total[$__rate_interval]))`, Template: true}, "", nil, "is not known"},
		"absent in some jobs": {among(counter), sentei.Expression{Text: `absent(m_total)`}, "", nil, "in all jobs"},
		"the largest rate":    {counter, sentei.Expression{Text: `max(rate(m_total[5m]))`}, "", nil, "no recorded aggregate serves m_total"},
		"a sum of a counter":  {counter, sentei.Expression{Text: `sum(m_total)`}, "", nil, "no recorded aggregate"},
		// While series begin and end, the sum of means is not the mean of sums, nor
		// that of differences.
		"a sum of means":       {gauge, sentei.Expression{Text: `sum(avg_over_time(m[1h]))`}, "", nil, "no recorded aggregate"},
		"a sum of differences": {gauge, sentei.Expression{Text: `sum(delta(m[1h]))`}, "", nil, "no recorded aggregate"},
		"a list of names":      {gauge, sentei.Expression{Text: `label_values(m, __name__)`, VariableQuery: true}, "", nil, "names"},
		"by name":              {gauge, sentei.Expression{Text: `sum by (__name__) (m)`}, "", nil, "no recorded aggregate"},
		"at a fixed time":      {gauge, sentei.Expression{Text: `sum(m) - sum(m @ 1609746000)`}, "", nil, "serves m @ 1609746000"},
		"rate at a fixed time": {counter, sentei.Expression{Text: `sum(rate(m_total[5m] @ 1609746000))`}, "", nil, "no recorded aggregate"},
		"subquery at that":     {gauge, sentei.Expression{Text: `max_over_time(sum(m)[1h:1m] @ 1609746000)`}, "", nil, "no recorded aggregate"},
		"at the end":           {gauge, sentei.Expression{Text: `sum(m @ end())`}, "sum(m:sum_without_pod @ end())", []string{"m:sum_without_pod = sum without (pod) (m)"}, ""},
		"by a regex":           {gauge, sentei.Expression{Text: `sum({__name__=~"m|n"})`}, "", nil, "no recorded aggregate"},
		"partly":               {gauge, sentei.Expression{Text: `sum(m) / count(m)`}, "", nil, "serves m"},
		"series":               {largest, sentei.Expression{Text: `metrics(m)`, VariableQuery: true}, "", nil, "of a form"},
		"MetricsQL":            {gauge, sentei.Expression{Text: `sum(m)`, Lang: sentei.MetricsQL}, "", nil, "MetricsQL"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, rules, err := tt.of.Rewrite(tt.expr)
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Fatal(err)
			}
			if err != nil {
				return
			}
			var recs []string
			for _, r := range rules {
				recs = append(recs, r.Record+" = "+r.Expr)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.recs, recs); diff != "" {
				t.Error(diff)
			}
			again, rules, err := tt.of.Rewrite(sentei.Expression{Text: got, Template: tt.expr.Template, VariableQuery: tt.expr.VariableQuery})
			if err == nil && (again != got || len(rules) > 0) {
				t.Errorf("once more it becomes %s with %v", again, rules)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	a := Aggregate{Metric: "m", Labels: []string{"pod"}}
	if err := a.Check(); err != nil {
		t.Error(err)
	}
	a.Labels = []string{"k8s.pod"}
	if err := a.Check(); err == nil {
		t.Error("a label that must be quoted is taken")
	}
}

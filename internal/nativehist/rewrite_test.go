package nativehist

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
)

var latency = Families{"h": {"0.1", "0.5", "1.0", "+Inf"}}

// rewritten are expressions and what they become. The engine's test runs them.
var rewritten = [][2]string{
	{`histogram_quantile(0.9, sum by (le) (rate(h_bucket[5m])))`, `histogram_quantile(0.9, sum(rate(h[5m])))`},
	{`histogram_quantile(0.9, sum by (job, le) (rate(h_bucket{job="a"}[5m]))) > 0.2`, `histogram_quantile(0.9, sum by (job) (rate(h{job="a"}[5m]))) > 0.2`},
	{`histogram_quantile(0.5, sum without (instance) (increase(h_bucket[5m] offset 1m)))`, `histogram_quantile(0.5, sum without (instance) (increase(h[5m] offset 1m)))`},
	{`histogram_quantile(0.5, rate(h_bucket[5m]))`, `histogram_quantile(0.5, rate(h[5m]))`},
	{`histogram_quantile(0.5, sum by (le) (sum by (le, job) (rate({__name__="h_bucket"}[5m]))))`, `histogram_quantile(0.5, sum(sum by (job) (rate({__name__="h"}[5m]))))`},
	{`histogram_fraction(0, 0.5, sum by (le) (rate(h_bucket[5m])))`, `histogram_fraction(0, 0.5, sum(rate(h[5m])))`},
	{`sum(rate(h_sum[5m])) / sum(rate(h_count[5m]))`, `sum(histogram_sum(rate(h[5m]))) / sum(histogram_count(rate(h[5m])))`},
	{`sum by (job) (rate(h_bucket{le="+Inf"}[5m]))`, `sum by (job) (histogram_count(rate(h[5m])))`},
	{`sum without (instance, le) (rate(h_bucket{le="+Inf"}[5m]))`, `sum without (instance, le) (histogram_count(rate(h[5m])))`},
	{`sum without (instance) (rate(h_bucket{le="+Inf"}[5m]))`, `sum without (instance) (label_replace(histogram_count(rate(h[5m])), "le", "+Inf", "", ""))`},
	{`sum by (job, le) (rate(h_bucket{le="+Inf"}[5m]))`, `sum by (job, le) (label_replace(histogram_count(rate(h[5m])), "le", "+Inf", "", ""))`},
	{`rate(h_bucket{le="+Inf"}[5m])`, `label_replace(histogram_count(rate(h[5m])), "le", "+Inf", "", "")`},
	{`max by (job) (h_bucket{le="+Inf"})`, `max by (job) (histogram_count(h))`},
	{`min without (job) (h_bucket{le="+Inf"})`, `min without (job) (label_replace(histogram_count(h), "le", "+Inf", "", ""))`},
	{`max_over_time(sum(rate(h_count[5m]))[10m:1m])`, `max_over_time(sum(histogram_count(rate(h[5m])))[10m:1m])`},
	{`sum(h_count) + max by (job) (h_sum)`, `sum(histogram_count(h)) + max by (job) (histogram_sum(h))`},
	{`sum(rate(h_bucket{le="0.5"}[5m])) / sum(rate(h_count[5m]))`, `histogram_fraction(-Inf, 0.5, sum(rate(h[5m])))`},
	{`1 - (sum by (job) (rate(h_bucket{le="1.0"}[5m])) / on (job) sum by (job) (rate(h_bucket{le="+Inf"}[5m])))`, `1 - (histogram_fraction(-Inf, 1, sum by (job) (rate(h[5m]))))`},
	{`-(rate(h_count[5m]) * 2) + on (job, instance) rate(other[5m])`, `-(histogram_count(rate(h[5m])) * 2) + on (job, instance) rate(other[5m])`},
	{`other`, `other`},
}

// notRewritten have no counterpart.
var notRewritten = []string{
	`h_bucket`, `h_count`, `h_count > 0`, `sum by (le) (rate(h_bucket[5m]))`, `count(h_count)`, `absent(h_count)`,
	`histogram_quantile(0.9, avg by (le) (rate(h_bucket[5m])))`, `histogram_quantile(0.9, sum by (job) (rate(h_bucket[5m])))`,
	`histogram_quantile(0.9, sum without (le) (rate(h_bucket[5m])))`, `histogram_quantile(0.9, sum by (le) (irate(h_bucket[5m])))`,
	`histogram_quantile(0.9, sum by (le) (rate(h_bucket{le!="1.0"}[5m])))`, `histogram_quantile(0.9, h_bucket)`,
	`sum(rate(h_bucket{le="0.5"}[5m]))`, `sum(rate(h_bucket{le="0.3"}[5m])) / sum(rate(h_count[5m]))`,
	`sum without (job) (rate(h_bucket{le="0.5"}[5m])) / sum without (job) (rate(h_count[5m]))`,
	`sum(rate(h_bucket{le="0.5",le=~".+"}[5m])) / sum(rate(h_count[5m]))`,
	`sum(rate(h_bucket{le="0.5",job="a"}[5m])) / sum(rate(h_count[5m]))`, `sum(rate(h_bucket{le="0.5"}[5m])) / sum(rate(h_count[1m]))`,
	`sum(rate(h_bucket{le="0.5"}[5m])) / ignoring (job) sum(rate(h_count[5m]))`, `sum by (job) (rate(h_bucket{le="0.5"}[5m])) / sum(rate(h_count[5m]))`,
	`rate({__name__=~"h_(count|sum)"}[5m])`, `{job="a"}`, `sum by (__name__) (h_count)`, `rate(h_count[5m] smoothed)`, ``, `sum(`,
}

func TestRewrite(t *testing.T) {
	for _, pair := range rewritten {
		got, err := Rewrite(sentei.Expression{Text: pair[0]}, latency)
		if err != nil || got != pair[1] {
			t.Errorf("%s\n  %s\n  want %s\n  %v", pair[0], got, pair[1], err)
		}
	}
	for _, text := range notRewritten {
		if got, err := Rewrite(sentei.Expression{Text: text}, latency); err == nil {
			t.Errorf("%s becomes %s", text, got)
		}
	}
	if _, err := Rewrite(sentei.Expression{Text: `sum(h_count)`, Lang: sentei.MetricsQL}, latency); err == nil {
		t.Error("MetricsQL is rewritten")
	}
	if _, err := Rewrite(sentei.Expression{Text: `label_values(h_count, job)`, Template: true, VariableQuery: true}, latency); err == nil {
		t.Error("the query of a variable is rewritten")
	}
}

func TestRewriteTemplates(t *testing.T) {
	tests := map[string]string{
		`histogram_quantile(0.9, sum by (le) (rate(h_bucket{job=~"$job",x="${y:regex}"}[$__rate_interval])))`: `histogram_quantile(0.9, sum(rate(h{job=~"$job",x="${y:regex}"}[$__rate_interval])))`,
		`sum(rate(h_count[$a])) / sum(rate(h_count[${b}])) + sum(rate(h_sum[$a]))`:                            `sum(histogram_count(rate(h[$a]))) / sum(histogram_count(rate(h[${b}]))) + sum(histogram_sum(rate(h[$a])))`,
		`sum by ($by) (rate(h_count[5m]))`: "",
		`rate(h_count[${n}m])`:             "",
		`rate($metric[5m])`:                "",
	}
	for text, want := range tests {
		got, err := Rewrite(sentei.Expression{Text: text, Template: true}, latency)
		if (err != nil) != (want == "") {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, strings.ReplaceAll(got, ", x=", ",x=")); diff != "" {
			t.Errorf("%s: -want +got\n%s", text, diff)
		}
	}
}

func FuzzRewrite(f *testing.F) {
	for _, pair := range rewritten {
		f.Add(pair[0], false)
		f.Add(pair[1], true)
	}
	for _, text := range notRewritten {
		f.Add(text, true)
	}
	f.Fuzz(func(t *testing.T, text string, template bool) {
		if len(text) > 2000 {
			return
		}
		got, err := Rewrite(sentei.Expression{Text: text, Template: template}, latency)
		if err != nil {
			return
		}
		again, err := Rewrite(sentei.Expression{Text: got, Template: template}, latency)
		if err != nil || again != got {
			t.Errorf("%q becomes %q, which becomes %q, %v", text, got, again, err)
		}
	})
}

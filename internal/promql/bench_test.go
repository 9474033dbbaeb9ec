package promql

import (
	"testing"

	"github.com/sentei/sentei"
)

// BenchmarkAnalyze measures the cost of one distinct expression.
func BenchmarkAnalyze(b *testing.B) {
	var cases []usageCase
	readJSON(b, "../../testdata/usage/usage.json", &cases)
	for _, lang := range []string{"promql", "metricsql", "grafana-variable"} {
		var es []sentei.Expression
		for _, c := range cases {
			if c.Lang == lang {
				es = append(es, c.expression())
			}
		}
		b.Run(lang, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				Analyze(es[i%len(es)], sentei.AllLabelsBut())
				i++
			}
		})
	}
}

package inventory

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"pgregory.net/rapid"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promapi"
	"github.com/sentei/sentei/internal/source"
)

// TestCountLabels compares with counting the label sets as text.
func TestCountLabels(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.SampledFrom([]string{"", "", "a", "b", "c"})
		all := rapid.Custom(func(t *rapid.T) liveSeries {
			return liveSeries{
				labels: labels.New(labels.Label{Name: "__name__", Value: "m"}, labels.Label{Name: "x", Value: value.Draw(t, "x")},
					labels.Label{Name: "y", Value: value.Draw(t, "y")}, labels.Label{Name: "z", Value: value.Draw(t, "z")}).WithoutEmpty(),
				live: rapid.Bool().Draw(t, "live"),
			}
		})
		series := rapid.SliceOfDistinct(all, func(s liveSeries) string { return s.labels.String() }).Draw(t, "series")
		got := countLabels(series)
		var want []sentei.LabelStats
		for _, name := range []string{"x", "y", "z"} {
			l := sentei.LabelStats{Name: name, Complete: true}
			values, without, withoutLive := map[string]int64{}, map[string]bool{}, map[string]bool{}
			for _, s := range series {
				if v := s.labels.Get(name); v != "" {
					l.Series++
					values[v]++
				}
				rest := labels.NewBuilder(s.labels).Del(name).Labels().String()
				without[rest] = true
				if s.live {
					withoutLive[rest] = true
				}
			}
			l.Distinct, l.SeriesWithout, l.SeriesWithoutLive = int64(len(values)), int64(len(without)), int64(len(withoutLive))
			l.Values = topValues(values)
			if l.Series > 0 {
				want = append(want, l)
			}
		}
		if diff := cmp.Diff(want, slices.Clip(got)); diff != "" && len(want)+len(got) > 0 {
			t.Errorf("statistics (-want +got):\n%s", diff)
		}
	})
}

func TestTopValues(t *testing.T) {
	counts := make(map[string]int64)
	for i := range maxLabelValues + 1 {
		counts[fmt.Sprintf("%04d", i)] = int64(i / 2)
	}
	top := topValues(counts)
	if len(top) != maxLabelValues || top[0].Value != "1000" || top[1].Value != "0998" || top[2].Value != "0999" {
		t.Errorf("%d values, beginning with %v", len(top), top[:3])
	}
	var series []liveSeries
	for i := range maxLabelValues + 1 {
		series = append(series, liveSeries{labels: promSeries("m", "id", fmt.Sprint(i))})
	}
	if l := countLabels(series)[0]; l.Complete || l.Distinct != maxLabelValues+1 || len(l.Values) != maxLabelValues {
		t.Errorf("complete %v, %d values of %d", l.Complete, len(l.Values), l.Distinct)
	}
}

func TestMetadataOf(t *testing.T) {
	families := map[string][]promapi.Metadata{
		"h":        {{Type: "histogram", Help: "H"}},
		"h_bucket": {{Type: "gauge", Help: "not of h"}},
		"g":        {{Type: "gauge", Help: "G"}},
		"c":        {{Type: "counter", Unit: "bytes", Help: "C"}},
		"i":        {{Type: "info"}},
		"gh":       {{Type: "gaugehistogram"}},
		"differ":   {{Type: "gauge", Help: "a", Unit: "s"}, {Type: "counter", Help: "b", Unit: "s"}},
		"unknown":  {{Type: "unknown", Help: "U"}},
	}
	tests := map[string]promapi.Metadata{
		"h_count":   {Type: "histogram", Help: "H"},
		"h_sum":     {Type: "histogram", Help: "H"},
		"h_bucket":  {Type: "gauge", Help: "not of h"},
		"g_count":   {},
		"c_total":   {Type: "counter", Unit: "bytes", Help: "C"},
		"c_created": {Type: "counter", Unit: "bytes", Help: "C"},
		"i_info":    {Type: "info"},
		"gh_gsum":   {Type: "gaugehistogram"},
		"differ":    {Unit: "s"},
		"unknown":   {Help: "U"},
		"nothing":   {},
	}
	for name, want := range tests {
		if diff := cmp.Diff(want, metadataOf(name, families)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestIntervals(t *testing.T) {
	targets := []promapi.Target{
		{Labels: map[string]string{"job": "mixed"}, ScrapeInterval: "10s"},
		{Labels: map[string]string{"job": "mixed"}, ScrapeInterval: "30s"},
		{Labels: map[string]string{"job": "old server"}},
		{Labels: map[string]string{"job": "even"}, ScrapeInterval: "1m"},
	}
	i := scrapeIntervals{jobs: jobIntervals(targets), recorded: map[string]time.Duration{"job:up": time.Hour}}
	tests := []struct {
		metric, job string
		want        time.Duration
	}{
		{"up", "mixed", 15 * time.Second}, // 1/10 + 1/30 samples per second for two series
		{"up", "even", time.Minute},
		{"job:up", "even", time.Hour},
		{"up", "old server", time.Minute},
		{"up", "", time.Minute},
	}
	for _, tt := range tests {
		if got := i.of(tt.metric, tt.job); got != tt.want {
			t.Errorf("%s of %s: %s, want %s", tt.metric, tt.job, got, tt.want)
		}
	}
}

func TestValueMatcher(t *testing.T) {
	for _, tt := range []struct {
		label  string
		values []string
	}{
		{"__name__", []string{"up"}},
		{"a.b", []string{"x"}},
		{"job", []string{"a|b", "c.d", "", `quo"te\`, "日本"}},
		{"job", []string{""}},
	} {
		selector := join([]string{`__name__="m"`, valueMatcher(tt.label, tt.values)})
		if tt.label == "__name__" {
			selector = join([]string{valueMatcher(tt.label, tt.values)})
		}
		for _, value := range append([]string{"other", "a", "cxd"}, tt.values...) {
			l := labels.FromMap(map[string]string{"__name__": "m", tt.label: value}).WithoutEmpty()
			if got, want := matchesAll(selector, l), slices.Contains(tt.values, value); got != want {
				t.Errorf("%s matches %s: %v", selector, l, got)
			}
		}
	}
}

func TestAverageLabelBytes(t *testing.T) {
	s := prometheusScan{metrics: map[string]*prometheusMetric{"m": {jobs: map[string]*prometheusJob{"j": {span: 2, labelBytes: 100}, "unread": {live: 5}}}}}
	if got := s.averageLabelBytes(); got != 100 {
		t.Errorf("of the series read: %v, want 100", got)
	}
	s.metrics["m"].jobs["j"].labelBytes = 0
	if got := s.averageLabelBytes(); got != usualLabelBytes {
		t.Errorf("nothing known: %v, want %d", got, usualLabelBytes)
	}
	s.head.Head.Series = 10
	s.head.ValueBytesByLabel = []promapi.NameCount{{Name: "job", Value: 50}}
	if got := s.averageLabelBytes(); got != 8 { // 5 bytes of value, 3 of name
		t.Errorf("by the head: %v, want 8", got)
	}
}

func TestPrometheusOptions(t *testing.T) {
	o := prometheusOptions{LabelMetrics: -1}
	_, err := newPrometheus(o, source.Env{})
	for _, want := range []string{"url is missing", "concurrency is 0", "lookback is 0s: it must be at least 5m", "label_metrics is -1", "max_series_per_query is 0"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
}

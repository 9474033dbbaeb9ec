package inventory

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"pgregory.net/rapid"

	"github.com/sentei/sentei"
)

// bigServer has a metric of 2400 series, 150 of them without a job, beside a
// few small ones, and a quiet one of 700.
func bigServer() *fakePrometheus {
	f := shopServer()
	for i := range 2400 {
		pairs := []string{"big_total", "path", fmt.Sprint(i / 40), "code", fmt.Sprint(i % 40)}
		if i >= 150 {
			pairs = append(pairs, "job", fmt.Sprint("j", i%3), "instance", fmt.Sprint(i%5))
		}
		f.active = append(f.active, promSeries(pairs...))
	}
	for i := range 700 {
		f.ended = append(f.ended, promSeries("big_batch", "job", "web", "id", fmt.Sprint(i)))
	}
	f.static["status/tsdb"] = fmt.Sprintf(`{"headStats":{"numSeries":%d},"seriesCountByMetricName":[{"name":"big_total","value":2400},{"name":"big_batch","value":700}]}`, len(f.active)+len(f.ended))
	return f
}

// selectedBy returns how many series a query or a list asks for.
func (f *fakePrometheus) selectedBy(what string) (n int) {
	if !strings.Contains(what, "{") {
		return 0
	}
	selector := what[strings.Index(what, "{") : strings.LastIndex(what, "}")+1]
	all := f.active
	if strings.Contains(what, "last_over_time") {
		all = append(all[:len(all):len(all)], f.ended...)
	}
	matches := selecting(selector)
	for _, l := range all {
		if matches(l) {
			n++
		}
	}
	return n
}

func TestPrometheusLargeMetric(t *testing.T) {
	whole, problems, err := fakeSource(t, bigServer(), 100_000, 0).Inventory(t.Context())
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	tests := map[string]struct {
		perQuery int
		refused  int  // queries of more series than this are refused
		unsized  bool // the server does not tell sizes
	}{
		"size known":                    {perQuery: 500, refused: 500},
		"size known, refused earlier":   {perQuery: 500, refused: 90},
		"size unknown":                  {perQuery: 500, refused: 500, unsized: true},
		"size unknown, refused earlier": {perQuery: 100_000, refused: 60, unsized: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := bigServer()
			if tt.unsized {
				f.static["status/tsdb"] = `{"headStats":{"numSeries":0}}`
			}
			refused := 0
			f.fail = func(w http.ResponseWriter, path, what string) bool {
				if n := f.selectedBy(what); path == "query" && n > tt.refused {
					refused++
					return refuse(w, 422, "execution", "query processing would load too many samples into memory in query execution")
				}
				return false
			}
			src := fakeSource(t, f, tt.perQuery, 0).(*prometheusSource)
			src.Concurrency = 1
			inv, problems, err := src.Inventory(t.Context())
			if err != nil || len(problems) > 0 {
				t.Fatal(problems, err)
			}
			if diff := cmp.Diff(seriesOf(whole), seriesOf(inv)); diff != "" {
				t.Errorf("counts (-in one query +got):\n%s", diff)
			}
			if name == "size known" && refused > 0 {
				t.Errorf("%d queries asked for more than %d series", refused, tt.perQuery)
			}
			if len(f.asked) > 700 {
				t.Errorf("%d requests", len(f.asked))
			}
		})
	}
}

// TestPrometheusUncounted refuses to count one metric, however it is asked for.
func TestPrometheusUncounted(t *testing.T) {
	f := bigServer()
	f.fail = func(w http.ResponseWriter, path, what string) bool {
		return path == "query" && strings.Contains(what, "big_total") && refuse(w, 422, "execution", "too many")
	}
	inv, problems, err := fakeSource(t, f, 500, 100).Inventory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(problems) != 1 || problems[0].Blocking || !strings.HasPrefix(problems[0].Hint, "big_total; counted 7 of ") ||
		problems[0].Message != "the series of some metrics could not be counted; the verdicts of these metrics are unknown" {
		t.Errorf("problems %+v", problems)
	}
	whole, _, err := fakeSource(t, bigServer(), 100_000, 100).Inventory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range inv.Metrics {
		if m.Name != "big_total" {
			if diff := cmp.Diff(whole.Metrics[i].Jobs, m.Jobs, cmp.Comparer(func(a, b sentei.Cost) bool { return a.Series == b.Series })); diff != "" {
				t.Errorf("%s (-not refused +got):\n%s", m.Name, diff)
			}
			continue
		}
		var got []string
		for _, j := range m.Jobs {
			got = append(got, fmt.Sprintf("%q %d %v %v", j.Job, j.Cost.Series, j.Uncounted, j.Labels))
		}
		want := []string{`"" 0 true []`, `"j0" 800 true []`, `"j1" 800 true []`, `"j2" 800 true []`}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("jobs (-want +got):\n%s", diff)
		}
	}
	if len(inv.Metrics) != len(whole.Metrics) {
		t.Errorf("%d metrics, want %d", len(inv.Metrics), len(whole.Metrics))
	}
}

// TestPrometheusSplit counts metrics of any labels, under any limit that allows
// a series.
func TestPrometheusSplit(t *testing.T) {
	f := &fakePrometheus{}
	src := fakeSource(t, f, 1, 0).(*prometheusSource)
	rapid.Check(t, func(rt *rapid.T) {
		value := rapid.SampledFrom([]string{"", "a", "b", "c|d", "e."})
		f.active = rapid.SliceOfDistinct(rapid.Custom(func(rt *rapid.T) labels.Labels {
			return labels.FromStrings("__name__", "m", "job", value.Draw(rt, "job"), "instance", value.Draw(rt, "instance"), "x", value.Draw(rt, "x"))
		}), labels.Labels.String).Draw(rt, "series")
		limit := rapid.IntRange(1, 20).Draw(rt, "limit")
		f.fail = func(w http.ResponseWriter, path, what string) bool {
			return path == "query" && f.selectedBy(what) > limit && refuse(w, 422, "execution", "too many")
		}
		src.MaxSeriesPerQuery = rapid.IntRange(1, 30).Draw(rt, "per query")
		s := &prometheusScan{prometheusSource: src, metrics: make(map[string]*prometheusMetric), from: fakeNow, to: fakeNow}
		if err := s.countOne(t.Context(), countingLive(), "m", rapid.Int64Range(0, 200).Draw(rt, "guess")); err != nil {
			rt.Fatal(err)
		}
		want, got := map[string]int64{}, map[string]int64{}
		for _, l := range f.active {
			want[l.Get("job")]++
		}
		if len(f.active) > 0 {
			for job, j := range s.metrics["m"].jobs {
				got[job] = j.live
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Errorf("series by job (-want +got):\n%s", diff)
		}
	})
}

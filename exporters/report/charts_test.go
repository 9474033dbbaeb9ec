package report

import (
	"math"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/number"
	"github.com/sentei/sentei/internal/reporttest"
	"github.com/sentei/sentei/internal/store"
)

// keptReports returns 60 reports of before the report, the newest first, that
// lead up to it: hourly ones and before them daily ones. What is unused grew
// until somebody did something about it.
func keptReports(r *sentei.Report) []store.ReportInfo {
	random := rand.New(rand.NewPCG(3, 4))
	var out []store.ReportInfo
	at := r.At
	for i := range 60 {
		at = at.Add(-time.Hour)
		if i >= 12 {
			at = at.Add(-23 * time.Hour)
		}
		info := store.ReportInfo{ID: store.ReportID(at), At: at, Summary: store.Summary{Currency: "EUR", Verdicts: map[sentei.Verdict]store.Sum{}}}
		for _, verdict := range sentei.Verdicts() {
			n, cost, perMonth := r.Total(verdict)
			age := r.At.Sub(at).Hours() / 24
			factor := 1 - age/110 + 0.03*random.Float64()
			if verdict == sentei.Unused {
				factor = 1 + 0.5*math.Exp(-(age-20)*(age-20)/90)
			}
			info.Verdicts[verdict] = store.Sum{Count: n, Series: int64(float64(cost.Series) * factor), PerMonth: perMonth * factor}
		}
		out = append(out, info)
	}
	return out
}

func TestGoldenOfCharts(t *testing.T) {
	r := reporttest.Report()
	got := render(t, "html", r, Options{Top: 3, Trend: keptReports(r)})
	_, got, _ = strings.Cut(got, `<section aria-labelledby="trend">`)
	got, _, _ = strings.Cut(got, `<section aria-labelledby="where">`)
	golden(t, "charts.html", got)
}

// TestTrendSaysWhatItDraws compares the words with the sums that were kept.
func TestTrendSaysWhatItDraws(t *testing.T) {
	r := reporttest.Report()
	kept := keptReports(r)
	kept[59].Currency = "USD" // the prices were others then
	trend := NewTrend(r, append(kept, store.ReportInfo{At: r.At}, store.ReportInfo{At: r.At.Add(time.Hour)}))
	if trend == nil || len(trend.Charts) != 2 || len(trend.Rows) != trendRows {
		t.Fatalf("%+v", trend)
	}
	_, unused, money := r.Total(sentei.Unused)
	before := kept[58].Verdicts[sentei.Unused]
	for _, want := range []string{
		"of which unused " + developed(before.PerMonth, money, number.Headline),
		"of which unused " + developed(float64(kept[59].Verdicts[sentei.Unused].Series), float64(unused.Series), wholes),
	} {
		if !strings.Contains(trend.Lead, want) {
			t.Errorf("%q does not say %q", trend.Lead, want)
		}
	}
	if last := trend.Rows[len(trend.Rows)-1]; last[1] != "" || last[len(last)-1] == "" {
		t.Errorf("money of another currency: %q", last)
	}
	for _, kept := range [][]store.ReportInfo{nil, {{At: r.At}}, {{At: r.At.Add(time.Hour)}}} {
		if trend := NewTrend(r, kept); trend != nil {
			t.Errorf("a trend of %v", kept)
		}
	}
}

func TestMetricTrend(t *testing.T) {
	r := reporttest.Report()
	m := &r.Metrics[4]
	points := []store.MetricPoint{
		{At: r.At.Add(time.Hour), Series: 77}, {At: r.At, Series: 99},
		{At: r.At.Add(-24 * time.Hour), Verdict: sentei.Unknown, Series: 1500, PerMonth: 9.75, Currency: "EUR"},
		{At: r.At.Add(-48 * time.Hour), Verdict: sentei.Used, Series: 1000, PerMonth: 6.5, Currency: "USD"},
	}
	trend := NewMetricTrend(r, m, points)
	want := "Active series: " + developed(1000, float64(m.Cost.Series), wholes) + "."
	if trend == nil || len(trend.Charts) != 2 || len(trend.Rows) != 3 || !strings.Contains(trend.Lead, want) {
		t.Fatalf("%+v, want %q", trend, want)
	}
	if diff := cmp.Diff([]string{"2026-11-18 12:00 UTC", "used", "1,000", ""}, trend.Rows[2]); diff != "" {
		t.Error(diff)
	}
	if trend := NewMetricTrend(r, m, points[:2]); trend != nil {
		t.Errorf("%+v", trend)
	}
}

// TestWaterfallAddsUp checks that the bars lead from the bill now to the bill
// after, whatever the proposals are.
func TestWaterfallAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := reporttest.Report()
		bill, left := 0.0, 0.0
		for i := range r.Metrics {
			bill += r.Metrics[i].PerMonth
		}
		left = bill
		r.Proposals = nil
		for i := range rapid.IntRange(0, 30).Draw(t, "proposals") {
			p := sentei.Proposal{
				ID: string(rune('a' + i)), Rule: rapid.StringMatching("[a-l]").Draw(t, "rule"), Grade: sentei.GradeA,
				State:          rapid.SampledFrom(sentei.States()).Draw(t, "state"),
				SavingPerMonth: rapid.Float64Range(0, bill/40).Draw(t, "saving"),
			}
			if p.State == sentei.Pending || p.State == sentei.Accepted {
				left -= p.SavingPerMonth
			}
			r.Proposals = append(r.Proposals, p)
		}
		_, cost, perMonth := r.Total("")
		w := NewWaterfall(r, cost, perMonth)
		if w == nil {
			if left < bill {
				t.Fatal("no waterfall")
			}
			return
		}
		if len(w.Rows) > waterfallSteps+3 {
			t.Fatalf("%d rows", len(w.Rows))
		}
		if got, want := w.Rows[len(w.Rows)-1].Amount, number.Money(left); got != want {
			t.Fatalf("%s is left, want %s", got, want)
		}
		for i := 1; i < len(w.Rows); i++ {
			if w.Rows[i].From != w.Rows[i-1].Edge {
				t.Fatalf("row %d begins at %s, the one before ends at %s", i, w.Rows[i].From, w.Rows[i-1].Edge)
			}
		}
	})
}

func TestNiceAxis(t *testing.T) {
	for highest, want := range map[float64][2]float64{
		0: {1, 1}, 1: {1, 0.2}, 3: {3, 1}, 7: {8, 2}, 10: {10, 2}, 99: {100, 20}, 101: {150, 50}, 4_200_000: {5_000_000, 1_000_000}, math.Inf(1): {1, 1},
	} {
		top, step := niceAxis(highest)
		if math.Abs(top-want[0]) > 1e-9*want[0] || math.Abs(step-want[1]) > 1e-9*want[1] {
			t.Errorf("up to %v: %v in steps of %v, want %v", highest, top, step, want)
		}
	}
}

// TestDrawingsStayInside checks that nothing of a chart lies outside of it.
func TestDrawingsStayInside(t *testing.T) {
	numbers := regexp.MustCompile(`-?[0-9.]+`)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 30).Draw(t, "n")
		var times []time.Time
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		for range n {
			times = append(times, at)
			at = at.Add(time.Duration(rapid.IntRange(0, 90).Draw(t, "hours")) * time.Hour)
		}
		var layers []layer
		for range rapid.IntRange(1, 4).Draw(t, "layers") {
			layers = append(layers, layer{"name", "used", rapid.SliceOfN(rapid.Float64Range(0, 1e12), n, n).Draw(t, "values")})
		}
		for _, d := range newChart("id", "title", "desc", times, layers).Sizes {
			for _, a := range d.Areas {
				for i, text := range numbers.FindAllString(a.Path, -1) {
					edge := d.W
					if i%2 == 1 {
						edge = d.H
					}
					if f, err := strconv.ParseFloat(text, 64); err != nil || f < 0 || f > edge {
						t.Fatalf("%v lies outside of %v (%v)", f, edge, err)
					}
				}
			}
			for _, name := range d.Names {
				if name.Y < 0 || name.Y > d.H {
					t.Fatalf("the name of an area is at %v", name.Y)
				}
			}
		}
	})
}

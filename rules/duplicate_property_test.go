package rules

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"pgregory.net/rapid"

	"github.com/sentei/sentei"
)

// storedSeries is a list of which not all are live, sorted by labels.
type storedSeries []sentei.Series

func (l storedSeries) ReadSeries(_ context.Context, metrics []string, f func(sentei.Series) error) error {
	for _, m := range metrics {
		for _, s := range l {
			if s.Labels.Get("__name__") == m {
				if err := f(s); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// compared is what is known of two jobs, so as to compare it.
type compared struct {
	ByMetric     map[string]int64
	Targets, All int64
	How          string
}

func (o duplicateSeriesOptions) compared(p *jobPair) compared {
	byMetric, targets, all, how := o.sameTargets(p)
	if targets == 0 {
		byMetric, targets, all, how = sameSeries(p)
	}
	if targets == 0 {
		return compared{}
	}
	return compared{byMetric, int64(targets), all, how}
}

// TestDuplicateSeriesNaive compares jobs of which the targets are drawn with
// what their documentation says, read to the letter.
func TestDuplicateSeriesNaive(t *testing.T) {
	seen := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		series := drawJobs(t)
		o := duplicateSeriesOptions{MinMetrics: rapid.IntRange(1, 3).Draw(t, "min_metrics"), MinSeries: 1, MinShare: rapid.SampledFrom([]float64{0.3, 0.7, 1}).Draw(t, "min_share")}
		x := newIndex(countedReport(t, series))
		pairs := o.pairs(x, "b")
		if err := compareJobs(t.Context(), series, pairs); err != nil {
			t.Fatal(err)
		}
		got := map[[2]string]compared{}
		for _, p := range pairs {
			if c := o.compared(p); c.Targets > 0 {
				got[[2]string{p.a, p.b}] = c
				seen[c.How]++
			}
		}
		want := map[[2]string]compared{}
		for _, p := range naivePairs(o, series) {
			if c := naive(o, p[0], p[1], series); c.Targets > 0 {
				want[p] = c
			}
			seen["pairs"]++
		}
		seen["listed"] += len(pairs)
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Fatalf("(-naive +linear)\n%s", diff)
		}
	})
	if len(seen) != 4 || seen["listed"] == seen["pairs"] {
		t.Errorf("not all cases were drawn: %v", seen)
	}
}

// drawJobs draws targets of which many are copies of others.
func drawJobs(t *rapid.T) storedSeries {
	type drawn struct {
		job, instance, host string
		missing, dead       int // which of the series; none when too high
	}
	var targets []drawn
	for n := range rapid.IntRange(2, 6).Draw(t, "targets") {
		d := drawn{
			job:      rapid.SampledFrom([]string{"a", "b", "c", ""}).Draw(t, "job"),
			instance: rapid.SampledFrom([]string{"", "i0", "i1", "i2"}).Draw(t, "instance"),
			host:     rapid.SampledFrom([]string{"", "h0", "own", "own"}).Draw(t, "host"),
			missing:  rapid.IntRange(0, 25).Draw(t, "missing"),
			dead:     rapid.IntRange(0, 25).Draw(t, "dead"),
		}
		if d.host == "own" {
			d.host = fmt.Sprint("own", n)
		}
		targets = append(targets, d)
	}
	if rapid.Bool().Draw(t, "copied") { // all targets of a job once more
		other := rapid.SampledFrom([]string{"", "other "}).Draw(t, "other")
		for _, d := range targets {
			if d.job == "a" {
				d.job, d.instance = "c", other+d.instance
				targets = append(targets, d)
			}
		}
	}
	var all storedSeries
	known := map[string]bool{}
	for _, d := range targets {
		for at := range 12 {
			l := labels.NewBuilder(labels.FromStrings("__name__", fmt.Sprint("m", at/3))).
				Set("job", d.job).Set("instance", d.instance).Set("host", d.host).Set("mode", []string{"", "idle", "user"}[at%3]).Labels()
			if !known[l.String()] && at != d.missing {
				known[l.String()] = true
				all = append(all, sentei.Series{Labels: l, Live: at != d.dead})
			}
		}
	}
	slices.SortFunc(all, func(a, b sentei.Series) int { return labels.Compare(a.Labels, b.Labels) })
	return all
}

// countedReport is what an inventory tells of the series; some labels are not
// told in full, and of some metrics none.
func countedReport(t *rapid.T, series storedSeries) *sentei.Report {
	type key struct{ metric, job string }
	costs, values := map[key]*sentei.Cost{}, map[key]map[string]map[string]int64{}
	for _, s := range series {
		k := key{s.Labels.Get("__name__"), s.Labels.Get("job")}
		if costs[k] == nil {
			costs[k], values[k] = &sentei.Cost{}, map[string]map[string]int64{}
		}
		costs[k].SeriesInSpan++
		if s.Live {
			costs[k].Series++
		}
		s.Labels.Range(func(l labels.Label) {
			if l.Name != "__name__" && l.Name != "job" {
				if values[k][l.Name] == nil {
					values[k][l.Name] = map[string]int64{}
				}
				values[k][l.Name][l.Value]++
			}
		})
	}
	r := &sentei.Report{Backends: []sentei.Backend{{Name: "b"}}}
	for m := range 4 {
		report := sentei.MetricReport{Backend: "b", Metric: sentei.Metric{Name: fmt.Sprint("m", m)}}
		for _, job := range []string{"", "a", "b", "c"} {
			k := key{report.Name, job}
			if costs[k] == nil {
				continue
			}
			j := sentei.JobMetric{Job: job, Cost: *costs[k]}
			if told := rapid.SampledFrom([]string{"all", "all", "all", "part", "none"}).Draw(t, "told"); told != "none" {
				j.Labels = []sentei.LabelStats{}
				for _, name := range []string{"host", "instance", "mode"} {
					l := sentei.LabelStats{Name: name, Distinct: int64(len(values[k][name])), Complete: told == "all"}
					for v, n := range values[k][name] {
						l.Series += n
						l.Values = append(l.Values, sentei.LabelValue{Value: v, Series: n})
					}
					slices.SortFunc(l.Values, func(a, b sentei.LabelValue) int {
						return cmp.Or(-cmp.Compare(a.Series, b.Series), cmp.Compare(a.Value, b.Value))
					})
					if !l.Complete {
						l.Values = l.Values[:len(l.Values)/2]
					}
					if l.Series > 0 {
						j.Labels = append(j.Labels, l)
					}
				}
			}
			report.Jobs = append(report.Jobs, j)
		}
		r.Metrics = append(r.Metrics, report)
	}
	return r
}

// live returns the live series of the job by metric.
func (l storedSeries) live(job string) map[string][]labels.Labels {
	found := map[string][]labels.Labels{}
	for _, s := range l {
		if n := s.Labels.Get("__name__"); s.Live && s.Labels.Get("job") == job {
			found[n] = append(found[n], s.Labels)
		}
	}
	return found
}

// naivePairs returns the jobs with enough metrics in common, the larger first.
func naivePairs(o duplicateSeriesOptions, series storedSeries) [][2]string {
	var pairs [][2]string
	for _, p := range [][2]string{{"a", "b"}, {"a", "c"}, {"b", "c"}} {
		left, right := series.live(p[0]), series.live(p[1])
		n, sizes := 0, [2]int{}
		for m := range right {
			sizes[1] += len(right[m])
			if len(left[m]) > 0 {
				n++
			}
		}
		for _, s := range left {
			sizes[0] += len(s)
		}
		if sizes[1] > sizes[0] {
			p[0], p[1] = p[1], p[0]
		}
		if n >= o.MinMetrics && float64(n) >= o.MinShare*float64(min(len(left), len(right))) {
			pairs = append(pairs, p)
		}
	}
	return pairs
}

// naive compares two jobs text by text.
func naive(o duplicateSeriesOptions, a, b string, series storedSeries) compared {
	left, right := series.live(a), series.live(b)
	texts := func(side, other map[string][]labels.Labels, without ...string) map[string]map[string][]string {
		out := map[string]map[string][]string{} // by instance and metric
		for m, ls := range side {
			for _, l := range ls {
				if instance := l.Get("instance"); len(other[m]) > 0 {
					if out[instance] == nil {
						out[instance] = map[string][]string{}
					}
					out[instance][m] = append(out[instance][m], labels.NewBuilder(l).Del(without...).Labels().String())
				}
			}
		}
		return out
	}
	count := func(t map[string][]string) (n int64) {
		for _, s := range t {
			n += int64(len(s))
		}
		return n
	}
	same := compared{ByMetric: map[string]int64{}, How: "differ in the job label alone"}
	inLeft := texts(left, right, "job")
	for instance, t := range texts(right, left, "job") {
		twins := map[string][]string{}
		for m, ss := range t {
			for _, s := range ss {
				if slices.Contains(inLeft[instance][m], s) {
					twins[m] = append(twins[m], s)
				}
			}
		}
		if instance == "" || len(twins) < o.MinMetrics || float64(count(twins)) < o.MinShare*float64(count(t)) {
			continue
		}
		same.Targets++
		same.All += count(t)
		for m, s := range twins {
			same.ByMetric[m] += int64(len(s))
		}
	}
	if same.Targets > 0 {
		return same
	}
	whole := func(t map[string][]string) string {
		var all []string
		for _, s := range t {
			all = append(all, s...)
		}
		slices.Sort(all)
		return strings.Join(all, "\n")
	}
	same = compared{ByMetric: map[string]int64{}, How: "differ in job and instance alone"}
	of := func(all map[string]map[string][]string, text string) (n int) {
		for _, t := range all {
			if whole(t) == text {
				n++
			}
		}
		return n
	}
	lefts, rights := texts(left, right, "job", "instance"), texts(right, left, "job", "instance")
	for _, t := range rights {
		if of(lefts, whole(t)) != 1 || of(rights, whole(t)) != 1 {
			return compared{}
		}
		same.Targets++
		same.All += count(t)
		for m, s := range t {
			same.ByMetric[m] += int64(len(s))
		}
	}
	if same.Targets < 2 {
		return compared{}
	}
	return same
}

package analyzer

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
)

// values makes a label of which all values are known.
func values(name string, all ...string) sentei.LabelStats {
	l := sentei.LabelStats{Name: name, Series: int64(len(all)), Distinct: int64(len(all)), Complete: true, SeriesWithout: 1, SeriesWithoutLive: 1}
	for _, v := range all {
		l.Values = append(l.Values, sentei.LabelValue{Value: v, Series: 1})
	}
	return l
}

func jobOf(series int64, stats ...sentei.LabelStats) sentei.JobMetric {
	return sentei.JobMetric{Job: "shop", Cost: sentei.Cost{Series: series, SeriesInSpan: series}, Labels: stats}
}

// TestDisagree compares what two sources tell of one metric: what counts after
// the merge, whether its series are listed, and whether that is two servers.
func TestDisagree(t *testing.T) {
	unknown := func(series int64, l sentei.LabelStats) sentei.LabelStats {
		l.Series, l.SeriesWithout, l.SeriesWithoutLive = series, -1, -1
		return l
	}
	some := values("pod", "a", "b")
	some.Complete, some.Distinct = false, 9
	for name, tt := range map[string]struct {
		first, second, want sentei.JobMetric
		later               time.Duration // that the second began to look after the first had ended
		listed              bool
		problem             string
	}{
		"the same": {
			jobOf(2, values("pod", "a", "b")), jobOf(2, values("pod", "a", "b")), jobOf(2, values("pod", "a", "b")), -time.Hour, true, "",
		},
		"the second has seen less": {
			jobOf(2, values("pod", "a", "b")), jobOf(1, values("pod", "a")), jobOf(2, values("pod", "a", "b")), -time.Hour, true, "",
		},
		"a shard": {
			jobOf(3, values("pod", "a", "b", "c")), jobOf(1, values("pod", "d")), jobOf(3, unknown(3, values("pod", "a", "b", "c", "d"))), -time.Hour, false,
			`label pod of shop_x in job "shop"`,
		},
		"a larger shard": {
			jobOf(1, values("pod", "a")), jobOf(3, values("pod", "b", "c", "d")), jobOf(3, unknown(3, values("pod", "a", "b", "c", "d"))), -time.Hour, false,
			`label pod of shop_x in job "shop"`,
		},
		"a series that is younger": {
			jobOf(2, values("pod", "a", "b")), jobOf(2, values("pod", "b", "c")), jobOf(2, unknown(2, values("pod", "a", "b", "c"))), -time.Hour, false, "",
		},
		"all series are younger": {
			jobOf(1, values("pod", "a")), jobOf(1, values("pod", "b")), jobOf(1, unknown(1, values("pod", "a", "b"))), time.Hour, false, "",
		},
		"more values than the first has, not all of them told": {
			jobOf(3, values("pod", "a", "b", "c")), jobOf(3, some), jobOf(3, func() sentei.LabelStats {
				l := unknown(3, values("pod", "a", "b", "c"))
				l.Complete, l.Distinct = false, 9
				return l
			}()), -time.Hour, false, "",
		},
		"more series, labels not read": {
			jobOf(1, values("pod", "a")), sentei.JobMetric{Job: "shop", Cost: sentei.Cost{Series: 3, SeriesInSpan: 3}},
			sentei.JobMetric{Job: "shop", Cost: sentei.Cost{Series: 3, SeriesInSpan: 3}}, -time.Hour, false, "",
		},
		"one more label": {
			jobOf(1, values("pod", "a")), jobOf(1, values("pod", "a"), values("zone", "z")),
			jobOf(1, values("pod", "a"), values("zone", "z")), -time.Hour, false, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			reader := fakeConstants{}
			inventory := func(source string, from time.Time, j sentei.JobMetric) *sentei.Inventory {
				return &sentei.Inventory{Source: source, From: from, To: from.Add(24 * time.Hour), Series: reader,
					Metrics: []sentei.Metric{{Name: "shop_x", Jobs: []sentei.JobMetric{j}}}}
			}
			first := inventory("block", now, tt.first)
			second := inventory("prometheus", first.To.Add(tt.later), tt.second)
			c := &collection{backend: &Backend{Name: "s"}, inventories: []*sentei.Inventory{first, second}}
			if d := cmp.Diff([]sentei.JobMetric{tt.want}, merge(c).Metrics[0].Jobs); d != "" {
				t.Error(d)
			}
			where := ""
			for _, p := range serverProblems(c) {
				where += p.Where
				if !p.Blocking || p.Source != "prometheus" || p.Hint == "" {
					t.Errorf("got %+v", p)
				}
			}
			if where != tt.problem {
				t.Errorf("got a problem at %q, want %q", where, tt.problem)
			}
			err := seriesOf(first, c.inventories).ReadSeries(t.Context(), []string{"shop_x"}, func(sentei.Series) error { return nil })
			if unlisted := (*sentei.UnlistedError)(nil); tt.listed != (err == nil) || !tt.listed && !errors.As(err, &unlisted) {
				t.Errorf("got %v, want listed: %v", err, tt.listed)
			}
		})
	}
}

// fakeConstants lists one series for each metric, and cannot list "broken".
type fakeConstants struct{}

func (fakeConstants) ReadSeries(_ context.Context, metrics []string, f func(sentei.Series) error) error {
	var err error
	for _, m := range metrics {
		if m == "broken" {
			err = &sentei.UnlistedError{Metrics: []string{m}, Err: errors.New("it is broken")}
			continue
		}
		if err := f(sentei.Series{Labels: labels.FromStrings("__name__", m)}); err != nil {
			return err
		}
	}
	return err
}

func (fakeConstants) ReadConstant(context.Context, string, int64) (sentei.Constant, error) {
	return sentei.Constant{Value: 1}, nil
}

// TestListing lists what only one source knows, and holds back the rest.
func TestListing(t *testing.T) {
	metric := func(name string, jobs ...sentei.JobMetric) sentei.Metric {
		return sentei.Metric{Name: name, Jobs: jobs}
	}
	first := &sentei.Inventory{Series: fakeConstants{}, Metrics: []sentei.Metric{
		metric("alone", jobOf(1)), metric("broken", jobOf(1)), metric("info", jobOf(1, values("version", "1"))), metric("same", jobOf(1)),
	}}
	second := &sentei.Inventory{Metrics: []sentei.Metric{
		metric("info", jobOf(1, values("version", "2"))), metric("other", jobOf(1)), metric("same", jobOf(1)),
	}}
	reader := seriesOf(first, []*sentei.Inventory{first, second})
	var listed []string
	err := reader.ReadSeries(t.Context(), []string{"alone", "broken", "info", "other", "same"}, func(s sentei.Series) error {
		listed = append(listed, s.Labels.Get("__name__"))
		return nil
	})
	if d := cmp.Diff([]string{"alone", "same"}, listed); d != "" {
		t.Error(d)
	}
	unlisted, ok := errors.AsType[*sentei.UnlistedError](err)
	if !ok {
		t.Fatalf("got %v", err)
	}
	if d := cmp.Diff([]string{"broken", "info", "other"}, unlisted.Metrics); d != "" {
		t.Error(d)
	}
	for metric, constant := range map[string]bool{"info": false, "same": true} {
		c, err := reader.(sentei.ConstantReader).ReadConstant(t.Context(), metric, 1)
		if err != nil || (c.Unless == "") != constant {
			t.Errorf("%s: got %+v, %v", metric, c, err)
		}
	}
}

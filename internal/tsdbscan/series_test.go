package tsdbscan

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
)

// checkSeries reads the series of every metric and counts them once more.
func checkSeries(t *testing.T, blocks []Block, opts Options, r *Result) {
	t.Helper()
	type key struct{ metric, job string }
	type counts struct {
		Series, Live int64
		Labels       map[string]int64
	}
	want, got := map[key]counts{}, map[key]counts{}
	var metrics []string
	for _, m := range r.Metrics {
		if m.Name == "" {
			continue
		}
		metrics = append(metrics, m.Name)
		for _, j := range m.Jobs {
			c := counts{j.Cost.SeriesInSpan, j.Cost.Series, map[string]int64{}}
			for _, l := range j.Labels {
				c.Labels[l.Name] = l.Series
			}
			want[key{m.Name, j.Job}] = c
		}
	}
	var last labels.Labels
	err := ReadSeries(t.Context(), blocks, opts, r.To, append(metrics, "not stored"), func(s sentei.Series) error {
		name := s.Labels.Get(model.MetricNameLabel)
		if name == last.Get(model.MetricNameLabel) && labels.Compare(last, s.Labels) >= 0 {
			t.Errorf("%s comes after %s", s.Labels, last)
		}
		last = s.Labels
		k := key{name, s.Labels.Get(model.JobLabel)}
		c, ok := got[k]
		if !ok {
			c.Labels = map[string]int64{}
		}
		c.Series++
		if s.Live {
			c.Live++
		}
		if !s.From.IsZero() && (s.From.Before(r.From) || s.To.After(r.To) || s.From.After(s.To)) {
			t.Errorf("%s is from %s to %s", s.Labels, s.From, s.To)
		}
		s.Labels.Range(func(l labels.Label) {
			if l.Name != model.MetricNameLabel && l.Name != model.JobLabel {
				c.Labels[l.Name]++
			}
		})
		got[k] = c
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestReadSeriesStops(t *testing.T) {
	dir := t.TempDir()
	smallBlock(t, dir)
	l, err := List(dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Scan(t.Context(), l.Blocks, Options{TopValues: 1})
	if err != nil {
		t.Fatal(err)
	}
	enough := errors.New("enough")
	n := 0
	err = ReadSeries(t.Context(), l.Blocks, Options{}, r.To, []string{r.Metrics[0].Name, r.Metrics[1].Name}, func(sentei.Series) error {
		n++
		return enough
	})
	if !errors.Is(err, enough) || n != 1 {
		t.Errorf("%d series, error %v", n, err)
	}
}

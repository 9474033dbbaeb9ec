package tsdbscan

import "testing"

// TestScanRecorded reads a block that a real Prometheus has written, with this
// package and with Prometheus's own readers.
func TestScanRecorded(t *testing.T) {
	dir := "../../testdata/tsdb"
	r := compare(t, dir, Options{TopValues: 1000})
	l, err := List(dir)
	if err != nil {
		t.Fatal(err)
	}
	var series uint64
	var perSecond float64
	for i := range r.Metrics {
		c := r.Metrics[i].Cost()
		series += uint64(c.SeriesInSpan)
		perSecond += c.SamplesPerSecond
	}
	b := &l.Blocks[0]
	if len(l.Blocks) != 1 || series != b.Series || r.From.UnixMilli() != b.MinTime || r.To.UnixMilli() != b.MaxTime-1 {
		t.Errorf("%d series from %s to %s, but meta.json says %+v", series, r.From, r.To, b)
	}
	if samples := perSecond * r.To.Sub(r.From).Seconds(); int64(samples+0.5) != int64(b.Samples) {
		t.Errorf("%.1f samples, but meta.json says %d", samples, b.Samples)
	}
	o, err := ReadOverview(b, 1)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int64{}
	for _, m := range o.Metrics {
		counts[m.Name] = m.Count
	}
	for i := range r.Metrics {
		if m := &r.Metrics[i]; counts[m.Name] != m.Cost().SeriesInSpan {
			t.Errorf("%s: the overview has %d series, the scan %d", m.Name, counts[m.Name], m.Cost().SeriesInSpan)
		}
	}
	if len(counts) != len(r.Metrics) {
		t.Errorf("the overview has %d metrics, the scan %d", len(counts), len(r.Metrics))
	}
}

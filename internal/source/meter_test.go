package source

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMeter(t *testing.T) {
	var none *Meter
	none.Begin(time.Time{})
	none.Set(1, 2, "series")
	none.Add(1, "requests")
	none.End()

	m := NewMeter("main", "block")
	at := time.Unix(100, 0)
	ratio := func(want float64, known bool) {
		t.Helper()
		p := m.Progress()
		if got, ok := p.Ratio(); got != want || ok != known {
			t.Errorf("ratio %v, %v, want %v, %v", got, ok, want, known)
		}
	}
	ratio(0, true)
	m.Begin(at)
	ratio(0, false)
	m.Add(1, "requests")
	m.Add(2, "requests")
	ratio(0, false)
	if diff := cmp.Diff(Progress{"main", "block", Reading, at, 3, 0, "requests"}, m.Progress()); diff != "" {
		t.Error(diff)
	}
	m.Set(1, 4, "series")
	ratio(0.25, true)
	m.Set(5, 4, "series")
	ratio(1, true)
	m.End()
	ratio(1, true)
	m.Wait()
	if diff := cmp.Diff(Progress{Backend: "main", Source: "block"}, m.Progress()); diff != "" {
		t.Error(diff)
	}
}

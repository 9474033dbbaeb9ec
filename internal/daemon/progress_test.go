package daemon

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/analyzer"
	"github.com/sentei/sentei/internal/source"
)

// slow takes 70 s and reads half of its series in the first 40.
type slow struct {
	fakeInventory
	meter *source.Meter
}

func (s slow) Inventory(ctx context.Context) (*sentei.Inventory, []sentei.Problem, error) {
	time.Sleep(40 * time.Second)
	s.meter.Set(500, 1000, "series")
	time.Sleep(30 * time.Second)
	s.meter.Set(1000, 1000, "series")
	return s.fakeInventory.Inventory(ctx)
}

// A scan that takes long is logged, and its metric rises.
func TestProgressOfALongScan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _, _ := newTestDaemon(t, missingInventory)
		var log bytes.Buffer
		d.options.Logger = slog.New(slog.NewTextHandler(&log, nil))
		meter := source.NewMeter("main", "block")
		d.current.Load().scanner = &Scanner{
			timeout: 30 * time.Minute, logger: slog.New(slog.DiscardHandler), meters: []*source.Meter{meter},
			backends: []analyzer.Backend{{Name: "main", Inventory: []analyzer.InventorySource{{
				Name: "block", Kind: "block",
				Source: &guardedInventory{source: slow{fakeInventory{time.Now()}, meter}, meter: meter, now: time.Now},
			}}}},
		}

		var ratios []float64
		note := func() { ratios = append(ratios, d.progress()) }
		note()
		scanned := make(chan struct{})
		go func() { d.scan(t.Context()); close(scanned) }()
		for range 2 { // at 1 s, at 41 s
			time.Sleep(time.Second)
			synctest.Wait()
			note()
			time.Sleep(39 * time.Second)
		}
		<-scanned
		note()
		if diff := cmp.Diff([]float64{1, 0, 0.5, 1}, ratios); diff != "" {
			t.Error(diff)
		}
		var lines []string
		for line := range strings.Lines(log.String()) {
			if _, rest, found := strings.Cut(line, "under way"); found {
				lines = append(lines, rest)
			}
		}
		want := []string{
			"\" backend=main component=block took=30s\n",
			"\" backend=main component=block took=1m0s unit=series done=500 total=1000\n",
		}
		if diff := cmp.Diff(want, lines); diff != "" {
			t.Error(diff)
		}
	})
}

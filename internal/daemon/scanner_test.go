package daemon

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/analyzer"
)

type fakeInventory struct{ at time.Time }

func (f fakeInventory) Inventory(context.Context) (*sentei.Inventory, []sentei.Problem, error) {
	return &sentei.Inventory{Source: "block", From: f.at.Add(-time.Hour), To: f.at, Metrics: []sentei.Metric{{Name: "up"}}}, nil, nil
}

// hanging is a usage source that nothing can stop until its channel is closed.
type hanging chan struct{}

func (h hanging) Consumers(context.Context) (*sentei.UsageData, error) {
	<-h
	return &sentei.UsageData{}, nil
}

// A source that hangs costs one scan. From then on it is down, until it
// returns.
func TestAHangingSourceIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(hanging)
		s := &Scanner{timeout: 30 * time.Minute, logger: slog.New(slog.DiscardHandler), backends: []analyzer.Backend{{
			Name:      "main",
			Inventory: []analyzer.InventorySource{{Name: "block", Kind: "block", Source: fakeInventory{time.Now()}}},
			Usage:     []analyzer.UsageSource{{Name: "rule_files", Kind: "rule_files", Class: sentei.ClassRules, Source: &guardedUsage{source: release, now: time.Now}}},
		}}}
		_, err := s.Scan(t.Context(), nil)
		want := "scan.timeout of 30m has passed: context deadline exceeded: sources that did not finish in time: main/rule_files"
		if err == nil || err.Error() != want || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got  %v\nwant %s", err, want)
		}

		problems := func() []string {
			r, err := s.Scan(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			var out []string
			for _, p := range r.Problems {
				if p.Blocking {
					out = append(out, p.Source+": "+p.Message)
				}
			}
			return out
		}
		if diff := cmp.Diff([]string{"rule_files: " + errBusy.Error()}, problems()); diff != "" {
			t.Error(diff)
		}
		close(release)
		synctest.Wait()
		if diff := cmp.Diff([]string(nil), problems()); diff != "" {
			t.Error(diff)
		}
	})
}

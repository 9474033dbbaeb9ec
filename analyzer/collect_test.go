package analyzer

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
)

// hanging is a usage source that nothing can stop, as one on a mount whose
// server is gone, until its channel is closed.
type hanging chan struct{}

func (h hanging) Consumers(context.Context) (*sentei.UsageData, error) {
	<-h
	return &sentei.UsageData{}, nil
}

// obedient is a usage source that stops with ctx.
type obedient struct{}

func (obedient) Consumers(ctx context.Context) (*sentei.UsageData, error) {
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

func TestCollectReturnsWhenASourceHangs(t *testing.T) {
	w := newWorld()
	errTimeout := errors.New("too late")
	for name, tt := range map[string]struct {
		hanging int
		want    string
	}{
		"one":                   {1, "too late: sources that did not finish in time: main/obedient, main/hanging"},
		"more than run at once": {sourcesAtOnce + 1, "too late: sources that did not finish in time: main/obedient, main/hanging, main/hanging, main/hanging, main/hanging, main/hanging, main/last"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(hanging)
				b := Backend{
					Name:      "main",
					Inventory: []InventorySource{{"block", "block", w.inventory}},
					Usage: []UsageSource{
						{"rule_files", "rule_files", sentei.ClassRules, w.rules},
						{"obedient", "obedient", sentei.ClassRules, obedient{}},
					},
				}
				for range tt.hanging {
					b.Usage = append(b.Usage, UsageSource{"hanging", "hanging", sentei.ClassQueries, release})
				}
				b.Usage = append(b.Usage, UsageSource{"last", "last", sentei.ClassQueries, w.queries})
				ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errTimeout)
				defer cancel()
				start := time.Now()
				_, err := Scan(ctx, []Backend{b}, w.options, slog.New(slog.DiscardHandler))
				if took := time.Since(start); took != time.Minute { // virtual
					t.Errorf("it took %s", took)
				}
				if !errors.Is(err, errTimeout) {
					t.Fatalf("got %v", err)
				}
				if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
					t.Error(diff)
				}
				close(release)
			})
		})
	}
}

// What is left behind must not begin another source.
func TestCollectBeginsNothingAfterItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release, begun := make(hanging), 0
		var b Backend
		for range sourcesAtOnce {
			b.Usage = append(b.Usage, UsageSource{Source: release})
		}
		b.Usage = append(b.Usage, UsageSource{Source: counting{&begun}})
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			synctest.Wait()
			cancel()
		}()
		if _, err := collect(ctx, []Backend{b}, slog.New(slog.DiscardHandler)); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		close(release)
		synctest.Wait()
		if begun != 0 {
			t.Errorf("%d sources begun after the end", begun)
		}
	})
}

type counting struct{ begun *int }

func (c counting) Consumers(context.Context) (*sentei.UsageData, error) {
	*c.begun++
	return &sentei.UsageData{}, nil
}

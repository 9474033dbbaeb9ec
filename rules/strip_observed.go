package rules

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
)

// longKnown leaves out proposals of labels that targets expose, whose
// identifiers are in exposed, where the metric has not been stored for min_span
// in the job: it counts them. The error is for series that cannot be read.
func (o stripUnusedLabelOptions) longKnown(ctx context.Context, reader sentei.SeriesReader, proposals []sentei.Proposal, exposed map[string]bool) ([]sentei.Proposal, int, error) {
	if o.MinSpan == 0 || len(exposed) == 0 {
		return proposals, 0, nil
	}
	var names []string
	for i := range proposals {
		if exposed[proposals[i].ID] {
			names = append(names, proposals[i].Action.Metric)
		}
	}
	slices.Sort(names)
	stored := map[[2]string]sentei.Window{} // by metric and job
	unknown := map[[2]string]bool{}
	err := reader.ReadSeries(ctx, slices.Compact(names), func(s sentei.Series) error {
		k := [2]string{s.Labels.Get(model.MetricNameLabel), s.Labels.Get(model.JobLabel)}
		w := stored[k]
		if w.From.IsZero() || s.From.Before(w.From) {
			w.From = s.From
		}
		if s.To.After(w.To) {
			w.To = s.To
		}
		stored[k] = w
		unknown[k] = unknown[k] || s.From.IsZero() || s.To.IsZero()
		return nil
	})
	_, some := errors.AsType[*sentei.UnlistedError](err) // of these, nothing is stored
	young := 0
	old := slices.DeleteFunc(slices.Clone(proposals), func(p sentei.Proposal) bool {
		k := [2]string{p.Action.Metric, p.Place.Job}
		w := stored[k]
		if !exposed[p.ID] || (err == nil || some) && !unknown[k] && w.Duration() >= time.Duration(o.MinSpan) {
			return false
		}
		young++
		return true
	})
	return old, young, err
}

package inventory

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/prometheus/common/model"
)

// seriesSplitter asks for all series of one metric in parts: where there are
// more than MaxSeriesPerQuery, or more than the server answers for, it splits
// them by the values of one label after the other.
type seriesSplitter struct {
	*prometheusScan
	// ask asks for the series that all the matchers select, about n of them.
	// It reports false when they are too many for one request, without a
	// request when n says so.
	ask func(ctx context.Context, matchers []string, n int64) (bool, error)
}

// metric asks for the series of a metric, about n of them. Each series is in
// exactly one of the parts for which ask reports true.
func (r seriesSplitter) metric(ctx context.Context, name string, n int64) error {
	return r.split(ctx, []string{valueMatcher(model.MetricNameLabel, []string{name})}, n, nil)
}

// split asks for the series that all the matchers select. splitBy are the
// labels to split by, in this order; nil stands for all the labels that the
// series have.
func (r seriesSplitter) split(ctx context.Context, matchers []string, n int64, splitBy []string) error {
	if done, err := r.ask(ctx, matchers, n); done || err != nil {
		return err
	}
	n = r.atLeast(n)
	selector := join(matchers)
	if splitBy == nil {
		names, warnings, err := r.client.LabelNames(ctx, selector, r.from, r.to)
		if err := errors.Join(err, incomplete(warnings)); err != nil {
			return err
		}
		splitBy = splitOrder(names)
	}
	single := []string{} // labels of one value, which some of the series may lack
	var value string     // of the first of them
	for i, label := range splitBy {
		values, err := r.values(ctx, label, matchers)
		if err != nil {
			return err
		}
		if len(values) > 1 {
			return r.splitLabel(ctx, matchers, label, values, n, append(slices.Clip(splitBy[i+1:]), single...))
		}
		if len(values) == 1 {
			single = append(single, label)
			if len(single) == 1 {
				value = values[0]
			}
		}
	}
	// n is a guess: they may be few, or none.
	if done, err := r.ask(ctx, matchers, 0); done || err != nil {
		return err
	}
	if len(single) > 0 {
		return r.splitLabel(ctx, matchers, single[0], []string{value}, n, single[1:])
	}
	return fmt.Errorf("the series %s are too many and cannot be split", selector)
}

// atLeast corrects a guess by what a refusal tells.
func (r seriesSplitter) atLeast(n int64) int64 { return max(n, int64(r.MaxSeriesPerQuery)+1) }

// values reads all values that the label has in the series that all the
// matchers select.
func (r seriesSplitter) values(ctx context.Context, label string, matchers []string) ([]string, error) {
	if r.silentLimits {
		return r.client.AllLabelValues(ctx, label, matchers, r.from, r.to)
	}
	values, warnings, err := r.client.LabelValues(ctx, label, join(matchers), r.from, r.to)
	return values, errors.Join(err, incomplete(warnings))
}

// splitLabel asks for the series by the values of a label. It is taken that each
// value has as many series, and that as many are without the label.
func (r seriesSplitter) splitLabel(ctx context.Context, matchers []string, label string, values []string, n int64, splitBy []string) error {
	n += n / int64(len(values))
	return r.splitValues(ctx, matchers, label, append(values, ""), n, splitBy)
}

// splitValues asks for the series that have one of the values.
func (r seriesSplitter) splitValues(ctx context.Context, matchers []string, label string, values []string, n int64, splitBy []string) error {
	narrower := append(slices.Clone(matchers), valueMatcher(label, values))
	if len(values) == 1 {
		return r.split(ctx, narrower, n, splitBy)
	}
	if done, err := r.ask(ctx, narrower, n); done || err != nil {
		return err
	}
	n = r.atLeast(n)
	half := len(values) / 2
	share := n * int64(half) / int64(len(values))
	if err := r.splitValues(ctx, matchers, label, values[:half], share, splitBy); err != nil {
		return err
	}
	return r.splitValues(ctx, matchers, label, values[half:], n-share, splitBy)
}

// splitOrder puts the labels first that split well.
func splitOrder(names []string) []string {
	order := []string{model.JobLabel, model.InstanceLabel}
	for _, name := range names {
		if name != model.MetricNameLabel && !slices.Contains(order, name) {
			order = append(order, name)
		}
	}
	return order
}

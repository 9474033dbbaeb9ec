package inventory

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei/internal/promapi"
)

// seriesReader reads all series of one metric without ever asking for more
// than MaxSeriesPerQuery at once: where there are more, it splits them by the
// values of one label after the other.
type seriesReader struct {
	*prometheusScan
	max   int // series of the metric that are read at most
	set   *seriesSet
	parts []string // selectors of what was read; together they are the metric
}

// read reads the series that all the matchers select, about n of them. splitBy
// are the labels to split by, in this order; nil stands for all the labels
// that the series have.
func (r *seriesReader) read(ctx context.Context, matchers []string, n int64, splitBy []string) error {
	if done, err := r.ask(ctx, matchers, n); done || err != nil {
		return err
	}
	selector := join(matchers)
	if splitBy == nil {
		names, warnings, err := r.client.LabelNames(ctx, selector, r.from, r.to)
		if err := errors.Join(err, incomplete(warnings)); err != nil {
			return err
		}
		splitBy = splitOrder(names)
	}
	for i, label := range splitBy {
		values, err := r.values(ctx, label, matchers)
		if err != nil {
			return err
		}
		values = append(values, "") // series without the label
		if len(values) > 2 {
			return r.readValues(ctx, matchers, label, values, n, splitBy[i+1:])
		}
	}
	// n is a guess: they may be few, or none.
	if done, err := r.ask(ctx, matchers, 0); done || err != nil {
		return err
	}
	return fmt.Errorf("the series %s are too many and cannot be split", selector)
}

// values reads all values that the label has in the series that all the
// matchers select.
func (r *seriesReader) values(ctx context.Context, label string, matchers []string) ([]string, error) {
	if r.silentLimits {
		return r.client.AllLabelValues(ctx, label, matchers, r.from, r.to)
	}
	values, warnings, err := r.client.LabelValues(ctx, label, join(matchers), r.from, r.to)
	return values, errors.Join(err, incomplete(warnings))
}

// readValues reads the series that have one of the values.
func (r *seriesReader) readValues(ctx context.Context, matchers []string, label string, values []string, n int64, splitBy []string) error {
	narrower := append(slices.Clone(matchers), valueMatcher(label, values))
	if len(values) == 1 {
		return r.read(ctx, narrower, n, splitBy)
	}
	if done, err := r.ask(ctx, narrower, n); done || err != nil {
		return err
	}
	half := len(values) / 2
	if err := r.readValues(ctx, matchers, label, values[:half], n/2, splitBy); err != nil {
		return err
	}
	return r.readValues(ctx, matchers, label, values[half:], n/2, splitBy)
}

// ask reads the series in one request. It reports false when they are too
// many for one.
func (r *seriesReader) ask(ctx context.Context, matchers []string, n int64) (bool, error) {
	if n > int64(r.MaxSeriesPerQuery) {
		return false, nil
	}
	selector := join(matchers)
	series, warnings, err := r.labelSets(ctx, selector, n)
	switch {
	case err == nil && len(series) > r.max:
		return false, tooMany(r.max)
	case err != nil && promapi.TooHeavy(err) && ctx.Err() == nil, len(series) > r.MaxSeriesPerQuery:
		return false, nil
	case err != nil:
		return false, err
	case len(warnings) > 0:
		return false, incomplete(warnings)
	}
	for _, l := range series {
		r.set.add(l)
	}
	if len(r.set.series) > r.max {
		return false, tooMany(r.max)
	}
	r.parts = append(r.parts, selector)
	return true, nil
}

// markLive finds out which of the series are active. All of them are if there
// are as many as were counted.
func (r *seriesReader) markLive(ctx context.Context, counted int64) error {
	if int64(len(r.set.series)) == counted {
		r.set.allLive()
		return nil
	}
	for _, selector := range r.parts {
		samples, warnings, err := r.liveSeries(ctx, selector, counted/int64(len(r.parts)))
		if err := errors.Join(err, incomplete(warnings)); err != nil {
			return err
		}
		for _, sample := range samples {
			r.set.addLive(sample.Labels)
		}
	}
	// What was counted by the same server at the same instant must be there.
	if live := r.set.live(); !r.otherCount && live*100 < counted*minCounted {
		return fmt.Errorf("%d of the %d active series that were counted: the list of series is short", live, counted)
	}
	return nil
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

func incomplete(warnings []string) error {
	if len(warnings) == 0 {
		return nil
	}
	return fmt.Errorf("the server warns: %s", strings.Join(warnings, "; "))
}

func join(matchers []string) string { return "{" + strings.Join(matchers, ",") + "}" }

// valueMatcher matches the label having one of exactly these values. Servers
// look up such an alternation value by value.
func valueMatcher(label string, values []string) string {
	label = promapi.QuoteLabel(label)
	if len(values) == 1 {
		return label + "=" + strconv.Quote(values[0])
	}
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = regexp.QuoteMeta(v)
	}
	return label + "=~" + strconv.Quote(strings.Join(quoted, "|"))
}

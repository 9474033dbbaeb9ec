package inventory

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/sentei/sentei/internal/promapi"
)

// seriesReader reads all series of one metric without ever asking for more
// than MaxSeriesPerQuery at once.
type seriesReader struct {
	*prometheusScan
	max   int // series of the metric that are read at most
	set   *seriesSet
	parts []string // selectors of what was read; together they are the metric
}

// read reads the series of the metric, about n of them.
func (r *seriesReader) read(ctx context.Context, name string, n int64) error {
	return seriesSplitter{r.prometheusScan, r.ask}.metric(ctx, name, n)
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

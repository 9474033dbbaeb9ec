// Package remoteread reads stored series of a running Prometheus: samples
// through remote read (streamed chunks where the server can), lists of series
// through the HTTP API. In goes a promapi.Client; out comes a
// storage.Queryable that shows what queries on the server itself see, the head
// included. Answers are kept for a while, so that the same data asked for again
// is the same to the bit and costs the server nothing.
//
// Every error says what the server refused. Nothing is left out silently: an
// answer that may be incomplete is an error.
package remoteread

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"

	// The decoder that Prometheus writes its configuration with.
	"go.yaml.in/yaml/v2"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promapi"
)

// seriesFunc is the hint that only the labels of series are wanted.
const seriesFunc = "series"

// Reader is a storage.Queryable over one server. It is safe for concurrent use.
type Reader struct {
	client   *promapi.Client
	external map[string]string // external labels: remote read adds them to every series
	cache    cache
}

// Open asks the server whether it has remote read, and for its external labels, which remote read adds to what
// is stored and which have to be taken off again. cacheBytes bounds the
// answers that are kept, as they came over the wire.
func Open(ctx context.Context, client *promapi.Client, cacheBytes int64) (*Reader, error) {
	r := &Reader{client: client, cache: cache{most: cacheBytes}}
	// Nothing is stored under this name: it is about whether there is remote
	// read at all.
	probe := labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, "sentei_probe")
	if _, err := r.read(ctx, 0, 1, []*labels.Matcher{probe}); err != nil {
		return nil, err
	}
	text, err := client.ConfigYAML(ctx)
	switch {
	case errors.Is(err, promapi.ErrUnsupported): // no Prometheus: it has none
		return r, nil
	case err != nil:
		return nil, err
	}
	if r.external, err = externalLabels(text); err != nil {
		return nil, fmt.Errorf("read configuration of the server: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(r.external)) {
		if err := r.ownLabel(ctx, name); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// ownLabel returns an error when stored series have the external label
// themselves with the same value: remote read then hides which of the two a
// series has.
func (r *Reader) ownLabel(ctx context.Context, name string) error {
	m := labels.MustNewMatcher(labels.MatchEqual, name, r.external[name])
	now, err := r.client.Now(ctx)
	if err != nil {
		return err
	}
	found, _, err := r.client.Series(ctx, selector([]*labels.Matcher{m}), time.Unix(0, 0), now, 1)
	if err != nil {
		return err
	}
	if len(found) > 0 {
		return fmt.Errorf("stored series such as %s have the external label %s themselves, so remote read cannot tell what is stored: use the blocks of the server", found[0], m)
	}
	return nil
}

// externalLabels reads the configuration that the server shows, with its
// variables filled in and its secrets masked.
func externalLabels(text string) (map[string]string, error) {
	var c struct {
		Global struct {
			ExternalLabels map[string]string `yaml:"external_labels"`
		} `yaml:"global"`
	}
	if err := yaml.Unmarshal([]byte(text), &c); err != nil {
		return nil, err
	}
	return c.Global.ExternalLabels, nil
}

// Newest returns the time of the newest sample of the head, or the time of the
// server where it does not tell.
func (r *Reader) Newest(ctx context.Context) (time.Time, error) {
	status, err := r.client.TSDBStatus(ctx, 1)
	switch {
	case errors.Is(err, promapi.ErrUnsupported), err == nil && status.Head.Series == 0:
		return r.client.Now(ctx)
	case err != nil:
		return time.Time{}, err
	}
	return time.UnixMilli(status.Head.MaxTime).UTC(), nil
}

// Close closes idle connections.
func (r *Reader) Close() error {
	r.client.Close()
	return nil
}

// Querier implements storage.Queryable.
func (r *Reader) Querier(mint, maxt int64) (storage.Querier, error) {
	return &querier{Reader: r, mint: mint, maxt: maxt}, nil
}

type querier struct {
	*Reader
	mint, maxt int64
}

// Close implements storage.Querier.
func (*querier) Close() error { return nil }

// Select implements storage.Querier. The series are always sorted.
func (q *querier) Select(ctx context.Context, _ bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	mint, maxt := q.mint, q.maxt
	if hints != nil {
		mint, maxt = hints.Start, hints.End
	}
	var series []storage.Series
	var err error
	if hints != nil && hints.Func == seriesFunc {
		series, err = q.list(ctx, mint, maxt, matchers)
	} else {
		series, err = q.read(ctx, mint, maxt, matchers)
	}
	if err != nil {
		return storage.ErrSeriesSet(err)
	}
	return &seriesSet{series: series, at: -1}
}

// list returns the series without samples. The API is asked, not remote read:
// that leaves out series whose chunks it was told not to load.
func (r *Reader) list(ctx context.Context, mint, maxt int64, matchers []*labels.Matcher) ([]storage.Series, error) {
	found, warnings, err := r.client.Series(ctx, selector(matchers), time.UnixMilli(mint), time.UnixMilli(maxt), 0)
	if err != nil {
		return nil, &Error{err}
	}
	if len(warnings) > 0 {
		return nil, &Error{fmt.Errorf("read series of %s: the answer may be incomplete: %s", selector(matchers), warnings[0])}
	}
	slices.SortFunc(found, labels.Compare)
	out := make([]storage.Series, len(found))
	for i, l := range found {
		out[i] = storage.NewListSeries(l, nil)
	}
	return out, nil
}

// selector writes matchers as PromQL.
func selector(matchers []*labels.Matcher) string {
	return (&sentei.Selector{Matchers: matchers}).String()
}

// LabelValues implements storage.Querier.
func (q *querier) LabelValues(ctx context.Context, name string, _ *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	values, warnings, err := q.client.LabelValues(ctx, name, optional(matchers), time.UnixMilli(q.mint), time.UnixMilli(q.maxt))
	return values, annotated(warnings), err
}

// LabelNames implements storage.Querier.
func (q *querier) LabelNames(ctx context.Context, _ *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	if len(matchers) == 0 {
		matchers = []*labels.Matcher{labels.MustNewMatcher(labels.MatchNotEqual, model.MetricNameLabel, "")}
	}
	names, warnings, err := q.client.LabelNames(ctx, selector(matchers), time.UnixMilli(q.mint), time.UnixMilli(q.maxt))
	return names, annotated(warnings), err
}

func optional(matchers []*labels.Matcher) string {
	if len(matchers) == 0 {
		return ""
	}
	return selector(matchers)
}

func annotated(warnings []string) annotations.Annotations {
	var out annotations.Annotations
	for _, w := range warnings {
		out.Add(errors.New(w))
	}
	return out
}

type seriesSet struct {
	series []storage.Series
	at     int
}

func (s *seriesSet) Next() bool                      { s.at++; return s.at < len(s.series) }
func (s *seriesSet) At() storage.Series              { return s.series[s.at] }
func (*seriesSet) Err() error                        { return nil }
func (*seriesSet) Warnings() annotations.Annotations { return nil }

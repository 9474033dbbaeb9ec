package tsdbscan

import (
	"context"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
)

// ReadSeries calls f with every series of the metrics, each one once, metric by
// metric in the order given and sorted within it. The blocks and options are
// those of a Scan, and to is the end of the span that it found. It stops at
// the first error of f.
func ReadSeries(ctx context.Context, blocks []Block, opts Options, to time.Time, metrics []string, f func(sentei.Series) error) error {
	tail := tailStart(blocks)
	var cached *cacheFile
	if opts.Cache != nil {
		if cached = opts.Cache.find(identifyAll(settled(blocks, tail))); cached != nil {
			defer cached.close()
		}
	}
	s := newScan(blocks, cached, opts, tail)
	defer s.close()
	if err := s.open(); err != nil {
		return err
	}
	tasks, err := s.tasks(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w := s.newWorker()
	for _, name := range metrics {
		i := slices.IndexFunc(tasks, func(t task) bool { return t.name == name && t.id != noName })
		if i < 0 {
			continue
		}
		err := w.each(ctx, &tasks[i], w.begin(&tasks[i]), func(_ *part, r *row, _ []int32) {
			if ctx.Err() != nil {
				return
			}
			series := sentei.Series{Labels: s.labels(r), Live: r.dies > to.UnixMilli()}
			if r.mint <= r.maxt {
				series.From, series.To = time.UnixMilli(r.mint).UTC(), time.UnixMilli(r.maxt).UTC()
			}
			if err := f(series); err != nil {
				cancel(err)
			}
		})
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// labels returns the labels of a series as text.
func (s *scan) labels(r *row) labels.Labels {
	ls := make([]labels.Label, len(r.values))
	for i, v := range r.values {
		ls[i] = labels.Label{Name: s.text(r.layout.names[i]), Value: s.text(v)}
	}
	return labels.New(ls...)
}

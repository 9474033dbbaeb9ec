package tsdbscan

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/index"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/walscan"
)

// simpleSeries is one series over all blocks.
type simpleSeries struct {
	labels     labels.Labels
	born, dies int64 // first sample − lookback, last sample + lookback
	samples    int64 // of the tail
	recent     int64 // of the head
	chunkBytes int64 // of the tail
	indexBytes int64
	native     bool // in the tail or the head
}

// simpleScan does what Scan does with Prometheus's own readers, the plainest
// way there is.
func simpleScan(ctx context.Context, blocks []Block, opts Options) (*Result, error) {
	all := map[string]*simpleSeries{}
	tail := tailStart(blocks)
	from, to := int64(math.MaxInt64), int64(math.MinInt64)
	for i := range blocks {
		if err := simpleBlock(ctx, &blocks[i], tail, all, &from, &to); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, &BlockError{Block: &blocks[i], Err: err}
		}
	}
	if opts.Head != nil {
		simpleHead(opts.Head, newHead(opts.Head, blocks), all, &from, &to)
	}
	if from > to {
		return &Result{}, nil
	}
	type key struct{ metric, job string }
	groups := map[key][]*simpleSeries{}
	for _, k := range slices.Sorted(maps.Keys(all)) {
		s := all[k]
		g := key{s.labels.Get(model.MetricNameLabel), s.labels.Get("job")}
		groups[g] = append(groups[g], s)
	}
	r := &Result{From: time.UnixMilli(from).UTC(), To: time.UnixMilli(to).UTC()}
	span := newSpan(from, to, tail)
	if opts.Head != nil {
		newHead(opts.Head, blocks).end(&span, tail)
	}
	for _, g := range slices.SortedFunc(maps.Keys(groups), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.metric, b.metric), cmp.Compare(a.job, b.job))
	}) {
		if n := len(r.Metrics); n == 0 || r.Metrics[n-1].Name != g.metric {
			r.Metrics = append(r.Metrics, sentei.Metric{Name: g.metric})
		}
		m := &r.Metrics[len(r.Metrics)-1]
		m.Jobs = append(m.Jobs, simpleJob(g.metric, g.job, groups[g], span, opts))
	}
	return r, nil
}

func simpleBlock(ctx context.Context, b *Block, tail int64, all map[string]*simpleSeries, from, to *int64) error {
	r, err := index.NewFileReader(filepath.Join(b.Dir, "index"), index.DecodePostingsRaw)
	if err != nil {
		return fmt.Errorf("open index: %w", err)
	}
	defer r.Close()
	var cr *chunks.Reader
	if b.MaxTime > tail {
		if cr, err = chunks.NewDirReader(filepath.Join(b.Dir, "chunks"), nil); err != nil {
			return fmt.Errorf("open chunks: %w", err)
		}
		defer cr.Close()
	}
	name, value := index.AllPostingsKey()
	p, err := r.Postings(ctx, name, value)
	if err != nil {
		return fmt.Errorf("read postings: %w", err)
	}
	symbols := map[string]int{}
	for it := r.Symbols(); it.Next(); {
		symbols[it.At()] = len(symbols)
	}
	var builder labels.ScratchBuilder
	var metas []chunks.Meta
	for p.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.Series(p.At(), &builder, &metas); err != nil {
			return fmt.Errorf("read series %d: %w", p.At(), err)
		}
		lbls := builder.Labels()
		k := string(lbls.Bytes(nil))
		s := all[k]
		if s == nil {
			s = &simpleSeries{labels: lbls.Copy(), born: math.MaxInt64, dies: math.MinInt64}
			all[k] = s
		}
		s.indexBytes += simpleIndexBytes(symbols, lbls, metas)
		for i, m := range metas {
			*from, *to = min(*from, m.MinTime), max(*to, m.MaxTime)
			n, size := int64(0), int64(0)
			if cr != nil {
				c, _, err := cr.ChunkOrIterable(m)
				if err != nil {
					return fmt.Errorf("read chunk %d: %w", m.Ref, err)
				}
				n = int64(c.NumSamples())
				s.native = s.native || c.Encoding() != chunkenc.EncXOR
				size = int64(uvarintLen(uint64(len(c.Bytes()))) + 1 + len(c.Bytes()) + 4)
			}
			w := patience(m.MinTime, m.MaxTime, n)
			if i == 0 {
				s.born = min(s.born, m.MinTime-w)
			}
			if i == len(metas)-1 {
				s.dies = max(s.dies, m.MaxTime+w)
			}
			s.samples += clip(n, m.MinTime, m.MaxTime, tail)
			s.chunkBytes += clip(size, m.MinTime, m.MaxTime, tail)
		}
	}
	return p.Err()
}

func simpleHead(w *walscan.Head, h *head, all map[string]*simpleSeries, from, to *int64) {
	var numbers []uint32
	for _, m := range w.Metrics {
		numbers = append(numbers, m.Series...)
	}
	for _, n := range numbers {
		hs := w.Series(n)
		b := labels.NewScratchBuilder(8)
		names, values := w.Labels(hs)
		for j, name := range names {
			b.Add(w.Symbols[name], w.Symbols[values[j]])
		}
		k := string(b.Labels().Bytes(nil))
		s := all[k]
		if s == nil {
			s = &simpleSeries{labels: b.Labels(), born: math.MaxInt64, dies: math.MinInt64}
			all[k] = s
		}
		wait := patience(hs.First, hs.Last, int64(hs.Samples))
		s.born = min(s.born, hs.First-wait)
		if hs.Stale {
			wait = 0
		}
		s.dies = max(s.dies, hs.Last+wait)
		s.recent += int64(hs.Recent)
		s.native = s.native || hs.Native
		s.indexBytes += h.indexBytes(hs)
		*from, *to = min(*from, hs.First), max(*to, hs.Last)
	}
}

// simpleIndexBytes is the size of the entry, aligned, and of the references to
// it in the postings.
func simpleIndexBytes(symbols map[string]int, lbls labels.Labels, metas []chunks.Meta) int64 {
	n := uvarintLen(uint64(lbls.Len()))
	lbls.Range(func(l labels.Label) {
		n += uvarintLen(uint64(symbols[l.Name])) + uvarintLen(uint64(symbols[l.Value]))
	})
	n += uvarintLen(uint64(len(metas)))
	var t, ref int64
	for i, m := range metas {
		if i == 0 {
			n += len(binary.AppendVarint(nil, m.MinTime)) + uvarintLen(uint64(m.MaxTime-m.MinTime)) + uvarintLen(uint64(m.Ref))
		} else {
			n += uvarintLen(uint64(m.MinTime-t)) + uvarintLen(uint64(m.MaxTime-m.MinTime)) + len(binary.AppendVarint(nil, int64(m.Ref)-ref))
		}
		t, ref = m.MaxTime, int64(m.Ref)
	}
	n += uvarintLen(uint64(n)) + 4
	return int64((n+15)/16*16 + 4*(lbls.Len()+1))
}

func uvarintLen(v uint64) int { return len(binary.AppendUvarint(nil, v)) }

func simpleJob(metric, job string, rows []*simpleSeries, sp span, opts Options) sentei.JobMetric {
	var c sentei.Cost
	var labelBytes, samples, recent, created, ended, chunkBytes, indexBytes int64
	names := map[string]bool{}
	var live []*simpleSeries
	for _, s := range rows {
		c.SeriesInSpan++
		if s.born > sp.from && s.born != math.MaxInt64 {
			created++
		}
		if s.dies > sp.to {
			live = append(live, s)
			c.Series++
		} else {
			ended++
		}
		samples += s.samples
		recent += s.recent
		chunkBytes += s.chunkBytes
		indexBytes += s.indexBytes
		s.labels.Range(func(l labels.Label) {
			names[l.Name] = true
			if s.dies > sp.to {
				labelBytes += int64(len(l.Name) + len(l.Value))
			}
		})
	}
	c.SamplesPerSecond, _ = sp.rates(samples, recent, 0)
	_, chunkRate := sp.rates(samples, recent, chunkBytes)
	c.ChurnPerHour = float64(created) / (sp.seconds / 3600)
	c.EndedPerHour = float64(ended) / (sp.seconds / 3600)
	c.MemoryBytes = sentei.HeadBytes(c.Series, float64(labelBytes))
	c.DiskBytesPerDay = 86400 * (chunkRate + float64(indexBytes)/sp.seconds)
	jm := sentei.JobMetric{Job: job, Cost: c, Labels: []sentei.LabelStats{}}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if name == model.MetricNameLabel || name == "job" {
			continue
		}
		values := map[string]int64{}
		ls := sentei.LabelStats{Name: name}
		for _, s := range rows {
			if s.labels.Has(name) {
				ls.Series++
				values[s.labels.Get(name)]++
			}
		}
		ls.Distinct = int64(len(values))
		for v, n := range values {
			ls.Values = append(ls.Values, sentei.LabelValue{Value: v, Series: n})
		}
		slices.SortFunc(ls.Values, func(a, b sentei.LabelValue) int {
			return cmp.Or(cmp.Compare(b.Series, a.Series), cmp.Compare(a.Value, b.Value))
		})
		ls.Complete = len(ls.Values) <= opts.TopValues
		ls.Values = ls.Values[:min(opts.TopValues, len(ls.Values))]
		ls.SeriesWithout, ls.SeriesWithoutLive = simpleWithout(rows, name), simpleWithout(live, name)
		jm.Labels = append(jm.Labels, ls)
	}
	if opts.Reduce > 0 {
		simpleDepends(&jm, rows)
		jm.Reductions = simpleReductions(&jm, rows, live)
	}
	jm.Histogram = simpleHistogram(metric, rows)
	return jm
}

// simpleWithout counts the label sets that remain without the labels, which are
// sorted.
func simpleWithout(rows []*simpleSeries, names ...string) int64 {
	set := map[string]struct{}{}
	for _, s := range rows {
		set[string(s.labels.BytesWithoutLabels(nil, names...))] = struct{}{}
	}
	return int64(len(set))
}

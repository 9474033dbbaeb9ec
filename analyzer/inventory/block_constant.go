package inventory

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"

	"github.com/sentei/sentei"
)

// ReadConstant implements sentei.ConstantReader. It reads the samples of the
// blocks; those of the head are not read.
func (s *blockSeries) ReadConstant(ctx context.Context, metric string, most int64) (sentei.Constant, error) {
	r := constantReader{most: most}
	for i := range s.blocks {
		b := &s.blocks[i]
		if err := r.block(ctx, b.Dir, metric); err != nil {
			return sentei.Constant{}, fmt.Errorf("read samples of block %s: %w", b.ULID, err)
		}
		if r.Unless != "" {
			break
		}
	}
	if r.Samples == 0 && r.Unless == "" {
		r.Unless = "no block has samples of it"
	}
	return r.Constant, nil
}

// constantReader looks at samples until Unless is set.
type constantReader struct {
	sentei.Constant
	most int64
	it   chunkenc.Iterator
}

func (r *constantReader) block(ctx context.Context, dir, metric string) (err error) {
	b, err := tsdb.OpenBlock(slog.New(slog.DiscardHandler), dir, nil, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	index, err := b.Index()
	if err != nil {
		return err
	}
	defer closing(index, &err)
	data, err := b.Chunks()
	if err != nil {
		return err
	}
	defer closing(data, &err)
	postings, err := index.Postings(ctx, model.MetricNameLabel, metric)
	if err != nil {
		return err
	}
	var l labels.ScratchBuilder
	var metas []chunks.Meta
	for r.Unless == "" && postings.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := index.Series(postings.At(), &l, &metas); err != nil {
			return err
		}
		for i := 0; i < len(metas) && r.Unless == ""; i++ {
			if err := r.chunk(data, metas[i]); err != nil {
				return err
			}
		}
	}
	return postings.Err()
}

func closing(c io.Closer, err *error) { *err = errors.Join(*err, c.Close()) }

func (r *constantReader) chunk(data tsdb.ChunkReader, meta chunks.Meta) error {
	if from := time.UnixMilli(meta.MinTime).UTC(); r.From.IsZero() || from.Before(r.From) {
		r.From = from
	}
	if to := time.UnixMilli(meta.MaxTime).UTC(); to.After(r.To) {
		r.To = to
	}
	c, iterable, err := data.ChunkOrIterable(meta)
	if err != nil {
		return err
	}
	if c == nil {
		r.it = iterable.Iterator(r.it)
	} else {
		r.it = c.Iterator(r.it)
	}
	for kind := r.it.Next(); kind != chunkenc.ValNone; kind = r.it.Next() {
		if kind != chunkenc.ValFloat {
			r.Unless = "it has histograms"
			return nil
		}
		_, v := r.it.At()
		if value.IsStaleNaN(v) {
			continue
		}
		switch r.Samples++; {
		case r.Samples > r.most:
			r.Unless = fmt.Sprintf("it has more than %d samples", r.most)
			return nil
		case r.Samples == 1:
			r.Value = v
		case math.Float64bits(v) != math.Float64bits(r.Value):
			r.Unless = fmt.Sprintf("it has the values %v and %v", r.Value, v)
			return nil
		}
	}
	return r.it.Err()
}

package blockgen

import (
	"math/rand/v2"

	samples "github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// Values is what the samples of a series look like. Series of the same times
// and Values have the same samples.
type Values int

// What samples can look like.
const (
	Repeating Values = iota // small integers
	Constant
	Counter // grows with every sample
	Slow    // grows now and then
	Gauge   // goes up and down, with decimals
	Native  // histograms that grow with every sample
)

// chunkKey is what makes two chunks the same.
type chunkKey struct {
	from, step, n int64
	values        Values
}

func newChunk(k chunkKey) (chunkenc.Chunk, error) {
	if k.values == Native {
		return newHistogramChunk(k)
	}
	c := chunkenc.NewXORChunk()
	a, err := c.Appender()
	if err != nil {
		return nil, err
	}
	r := rand.New(rand.NewPCG(uint64(k.from), uint64(k.n)))
	v := float64(r.IntN(100_000))
	for i := range k.n {
		switch k.values {
		case Repeating:
			v = float64(i * i % 37)
		case Counter:
			v += float64(r.IntN(50))
		case Slow:
			v += float64(r.IntN(6) / 5)
		case Gauge:
			v += float64(r.IntN(2000)-1000) / 1000
		}
		a.Append(0, k.from+i*k.step, v)
	}
	c.Compact()
	return c, nil
}

func newHistogramChunk(k chunkKey) (chunkenc.Chunk, error) {
	c := chunkenc.NewHistogramChunk()
	a, err := c.Appender()
	if err != nil {
		return nil, err
	}
	for i := range k.n {
		h := &samples.Histogram{
			Schema: 1, Count: uint64(i), Sum: float64(i),
			PositiveSpans: []samples.Span{{Length: 1}}, PositiveBuckets: []int64{i},
		}
		if _, _, a, err = a.AppendHistogram(nil, 0, k.from+i*k.step, h, true); err != nil {
			return nil, err
		}
	}
	return c, nil
}

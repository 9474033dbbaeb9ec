package tsdbscan

import "math"

// noTime stands for the first sample of a series without chunks; its last one
// is -noTime.
const noTime = math.MaxInt64

// tailStart returns where the newest block begins: samples are counted from
// there on.
func tailStart(blocks []Block) int64 {
	end, start := int64(math.MinInt64), int64(math.MaxInt64)
	for i := range blocks {
		b := &blocks[i]
		if b.MaxTime > end || b.MaxTime == end && b.MinTime < start {
			end, start = b.MaxTime, b.MinTime
		}
	}
	return start
}

// span turns counts into rates.
type span struct {
	from, to    int64   // first and last sample, Unix milliseconds
	seconds     float64 // between them
	tailSeconds float64 // of it, those in the range of the newest block
}

func newSpan(from, to, tail int64) span {
	return span{
		from: from, to: to,
		seconds:     max(1, float64(to-from)/1000),
		tailSeconds: max(1, float64(to-max(from, tail))/1000),
	}
}

// patience is how long a series with such a chunk may be silent and is still
// there: Lookback, or three of its intervals. samples is 0 when unknown.
func patience(mint, maxt, samples int64) int64 {
	w := Lookback.Milliseconds()
	if samples > 1 {
		w = max(w, 3*((maxt-mint)/(samples-1)))
	}
	return w
}

// clip returns the part of n that lies at or after start, for something that
// is spread evenly over the chunk's time.
func clip(n, mint, maxt, start int64) int64 {
	switch {
	case mint >= start:
		return n
	case maxt < start:
		return 0
	}
	return int64(float64(n) * float64(maxt-start+1) / float64(maxt-mint+1))
}

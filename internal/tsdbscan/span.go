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
	// recentSeconds are those of the head's last minutes; 0 when the span does
	// not end with the head.
	recentSeconds float64
}

func newSpan(from, to, tail int64) span {
	return span{
		from: from, to: to,
		seconds:     max(1, float64(to-from)/1000),
		tailSeconds: max(1, float64(to-max(from, tail))/1000),
	}
}

// usualSampleBytes is what a sample takes in a chunk where no block tells.
const usualSampleBytes = 1.7

// rates returns samples and bytes of chunks a second, from the counts of the
// tail and of the head's last minutes.
func (sp *span) rates(samples, recent, chunkBytes int64) (perSecond, bytes float64) {
	if sp.recentSeconds == 0 {
		return float64(samples) / sp.tailSeconds, float64(chunkBytes) / sp.tailSeconds
	}
	perSecond = float64(recent) / sp.recentSeconds
	if samples == 0 {
		return perSecond, perSecond * usualSampleBytes
	}
	return perSecond, perSecond * float64(chunkBytes) / float64(samples)
}

// patience is how long a series with such a chunk may be silent and is still
// there: Lookback, or three of its intervals. samples is 0 when unknown.
func patience(mint, maxt, samples int64) int64 {
	w := Lookback.Milliseconds()
	if usualInterval(maxt-mint, samples) {
		return w
	}
	if samples > 1 {
		w = max(w, 3*((maxt-mint)/(samples-1)))
	}
	return w
}

// usualInterval reports whether a chunk of such a length has its samples so
// close to each other that its patience is Lookback.
func usualInterval(length, samples int64) bool {
	return length <= (samples-1)*(Lookback.Milliseconds()/3)
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

package walscan

import (
	"encoding/binary"

	"github.com/prometheus/prometheus/tsdb/record"
)

// peekSize is how many bytes of a record tell what kind it is, the series of
// its first sample and the time of that.
const peekSize = 1 + 2*binary.MaxVarintLen64

// peekSnappy decodes the begin of a snappy block into the peekSize bytes of
// into, without the rest. It returns how long the block is when decoded, and
// what there is of its begin; nothing when the data is damaged or does not
// suffice.
func peekSnappy(into, data []byte) (size int, begin []byte) {
	n, k := binary.Uvarint(data)
	if k <= 0 || n > maxRatio*uint64(len(data)) {
		return 0, nil
	}
	data = data[k:]
	into = into[:min(peekSize, int(n))]
	done := 0
	for done < len(into) {
		var length, back int
		if len(data) < 5 {
			return 0, nil
		}
		switch tag := data[0]; tag & 3 {
		case 0: // bytes as they are
			length = int(tag>>2) + 1
			skip := 1
			if length > 60 {
				extra := length - 60
				length = int(binary.LittleEndian.Uint32(data[1:])&(1<<(8*extra)-1)) + 1
				skip += extra
			}
			data = data[skip:]
			length = min(length, len(into)-done)
			if length > len(data) {
				return 0, nil
			}
			done += copy(into[done:], data[:length])
			data = data[length:]
			continue
		case 1: // bytes that were there before
			length, back = 4+int(tag>>2&7), int(tag>>5)<<8|int(data[1])
			data = data[2:]
		case 2:
			length, back = 1+int(tag>>2), int(binary.LittleEndian.Uint16(data[1:]))
			data = data[3:]
		case 3:
			length, back = 1+int(tag>>2), int(binary.LittleEndian.Uint32(data[1:]))
			data = data[5:]
		}
		if back <= 0 || back > done {
			return 0, nil
		}
		for ; length > 0 && done < len(into); length-- {
			into[done] = into[done-back]
			done++
		}
	}
	return int(n), into
}

// peeked is what the begin of a record of samples tells.
type peeked struct {
	kind record.Type
	ref  uint64 // the series of the first sample
	time int64  // of the first sample
}

// peekSamples looks at the begin of a record. It returns false for one that
// does not hold samples, or none.
func peekSamples(begin []byte) (p peeked, ok bool) {
	if len(begin) == 0 {
		return p, false
	}
	p.kind = record.Type(begin[0])
	b := begin[1:]
	switch p.kind {
	case record.Samples, record.HistogramSamples, record.FloatHistogramSamples,
		record.CustomBucketsHistogramSamples, record.CustomBucketsFloatHistogramSamples:
		if len(b) < 16 {
			return p, false
		}
		p.ref, p.time = binary.BigEndian.Uint64(b), int64(binary.BigEndian.Uint64(b[8:]))
	case record.SamplesV2, record.HistogramSamplesV2, record.FloatHistogramSamplesV2:
		ref, n := binary.Varint(b)
		if n <= 0 {
			return p, false
		}
		t, m := binary.Varint(b[n:])
		if m <= 0 {
			return p, false
		}
		p.ref, p.time = uint64(ref), t
	default:
		return p, false
	}
	return p, true
}

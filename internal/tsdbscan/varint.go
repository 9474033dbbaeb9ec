package tsdbscan

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// load64 returns the eight bytes at b[i:]. A slice with an end takes half of the
// instructions of one without.
func load64(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i : i+8]) }

// uvarint decodes a varint at b[i:], which must have at least ten bytes, and
// returns the position after it. A malformed one has the highest value there
// is, which no number in an index may have.
//
// The position depends on branches, which the processor foresees, and not on
// computed lengths, which it would have to wait for.
func uvarint(b []byte, i int) (uint64, int) {
	w := load64(b, i)
	v := w & 0x7f
	if w&0x80 == 0 {
		return v, i + 1
	}
	v |= w >> 1 & (0x7f << 7)
	if w&0x8000 == 0 {
		return v, i + 2
	}
	v |= w >> 2 & (0x7f << 14)
	if w&0x800000 == 0 {
		return v, i + 3
	}
	v |= w >> 3 & (0x7f << 21)
	if w&0x80000000 == 0 {
		return v, i + 4
	}
	v |= w >> 4 & (0x7f << 28)
	if w&0x8000000000 == 0 {
		return v, i + 5
	}
	v |= w >> 5 & (0x7f << 35)
	if w&0x800000000000 == 0 {
		return v, i + 6
	}
	v, n := binary.Uvarint(b[i : i+10])
	if n <= 0 {
		return math.MaxUint64, i + 10
	}
	return v, i + n
}

// shortUvarint decodes a varint of up to four bytes. The position that it
// returns is more than four bytes further when the varint is longer.
func shortUvarint(b []byte, i int) (uint64, int) {
	w := binary.LittleEndian.Uint32(b[i : i+4])
	last := ^w & 0x80808080
	w &= last ^ (last - 1)
	return uint64(w&0x7f | w>>1&0x3f80 | w>>2&0x1fc000 | w>>3&0xfe00000), i + bits.TrailingZeros32(last)/8 + 1
}

// unzigzag turns the unsigned form of a signed varint back.
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

package tsdbscan

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

var errVarint = errors.New("a number is malformed")

// uvarint decodes a varint at b[i:], which must have at least ten bytes. It
// returns the position after it, or one after the end of any buffer when it is
// malformed.
func uvarint(b []byte, i int) (uint64, int) {
	if c := b[i]; c < 0x80 {
		return uint64(c), i + 1
	}
	return longUvarint(b, i)
}

const malformed = 1 << 62

func longUvarint(b []byte, i int) (uint64, int) {
	w := binary.LittleEndian.Uint64(b[i:])
	last := ^w & 0x8080808080808080
	if last == 0 {
		v, n := binary.Uvarint(b[i : i+10])
		if n <= 0 {
			return 0, malformed
		}
		return v, i + n
	}
	n := (bits.TrailingZeros64(last) + 1) / 8
	w &= last ^ (last - 1)  // the bytes of this number
	w &= 0x7f7f7f7f7f7f7f7f // without their high bits, which are squeezed out:
	w = w&0x007f007f007f007f | w&0x7f007f007f007f00>>1
	w = w&0x00003fff00003fff | w&0x3fff00003fff0000>>2
	w = w&0x000000000fffffff | w&0x0fffffff00000000>>4
	return w, i + n
}

// unzigzag turns the unsigned form of a signed varint back.
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

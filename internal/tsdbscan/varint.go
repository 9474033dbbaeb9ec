package tsdbscan

import (
	"encoding/binary"
	"math"
	"math/bits"
	"unsafe"
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

// load returns the eight bytes at p. Nothing checks that they are there.
func load(p unsafe.Pointer, at int) uint64 {
	return binary.LittleEndian.Uint64((*[8]byte)(unsafe.Add(p, at))[:])
}

// sizeOf returns how many bytes a varint of up to six bytes has, from the eight
// bytes it begins with, and seven for any other one. The processor foresees its
// branches and does not wait for the result.
func sizeOf(w uint64) int {
	switch {
	case w&0x80 == 0:
		return 1
	case w&0x8000 == 0:
		return 2
	case w&0x800000 == 0:
		return 3
	case w&0x80000000 == 0:
		return 4
	case w&0x8000000000 == 0:
		return 5
	case w&0x800000000000 == 0:
		return 6
	}
	return 7
}

// shortUvarint decodes a varint of up to four bytes, from the eight bytes at i.
// The position that it returns is more than four bytes further when the varint
// is longer.
func shortUvarint(w uint64, i int) (uint64, int) {
	last := ^w & 0x80808080
	return uint64(pack32(w & (last ^ (last - 1)))), i + bits.TrailingZeros64(last)/8 + 1
}

// pack32 returns the number of a varint of up to four bytes. There are no bytes
// after it.
func pack32(w uint64) int64 {
	w = w&0x007f007f | w>>1&0x3f803f80
	return int64(w&0x3fff | w>>2&0xfffc000)
}

// pack is pack32 for up to eight bytes.
func pack(w uint64) uint64 {
	w = w&0x007f007f007f007f | w>>1&0x3f803f803f803f80
	w = w&0x00003fff00003fff | w>>2&0x0fffc0000fffc000
	return w&0xfffffff | w>>4&0xfffffff0000000
}

// unzigzag turns the unsigned form of a signed varint back.
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

package querylog

import (
	"encoding/binary"
	"math/bits"
)

// The functions in this file read JSON by hand, eight bytes at a time. Each
// takes a position and returns the one after what it has read, or -1 when the
// text is not of the simple form that it expects, be it sound or not.

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// bytesEqual returns a word whose bytes are 0x80 where x has the byte c, and
// 0 elsewhere.
func bytesEqual(x uint64, c byte) uint64 {
	x ^= ones * uint64(c)
	return ^((x&^highs + (highs - ones)) | x) & highs
}

// skipLiteral reads exactly s.
func skipLiteral(b []byte, i int, s string) int {
	if i < 0 || len(b)-i < len(s) || string(b[i:i+len(s)]) != s {
		return -1
	}
	return i + len(s)
}

// skipString reads the rest of a string without escapes, the closing quote
// included.
func skipString(b []byte, i int) int {
	if i < 0 {
		return -1
	}
	for ; i+8 <= len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		control := (x - ones*0x20) &^ x & highs // right up to the first byte that it finds
		if stop := bytesEqual(x, '"') | bytesEqual(x, '\\') | control; stop != 0 {
			i += bits.TrailingZeros64(stop) / 8
			if b[i] != '"' {
				return -1
			}
			return i + 1
		}
	}
	for ; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i + 1
		case c == '\\' || c < 0x20:
			return -1
		}
	}
	return -1
}

// skipEscaped reads the rest of a string that may have escapes, the closing
// quote included. It looks at quotes and backslashes only.
func skipEscaped(b []byte, i int) int {
	if i < 0 {
		return -1
	}
	var before uint64 // 0x80 when the last byte was a backslash that escapes
	for i+8 <= len(b) {
		x := binary.LittleEndian.Uint64(b[i:])
		slashes := bytesEqual(x, '\\')
		escaped := slashes<<8 | before
		if slashes&escaped != 0 {
			// Backslashes in a row: byte by byte.
			for end := i + 8; i < end; i++ {
				switch {
				case before != 0:
					before = 0
				case b[i] == '\\':
					before = 0x80
				case b[i] == '"':
					return i + 1
				}
			}
			continue
		}
		if end := bytesEqual(x, '"') &^ escaped; end != 0 {
			return i + bits.TrailingZeros64(end)/8 + 1
		}
		before = slashes >> 56
		i += 8
	}
	for ; i < len(b); i++ {
		switch {
		case before != 0:
			before = 0
		case b[i] == '\\':
			before = 0x80
		case b[i] == '"':
			return i + 1
		}
	}
	return -1
}

// skipNumber reads a number.
func skipNumber(b []byte, i int) int {
	if i < 0 || i >= len(b) {
		return -1
	}
	if b[i] == '-' {
		i++
	}
	start := i
	if i = skipDigits(b, i); i == start || b[start] == '0' && i > start+1 {
		return -1
	}
	if i < len(b) && b[i] == '.' {
		start = i + 1
		if i = skipDigits(b, start); i == start {
			return -1
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		start = i
		if i = skipDigits(b, start); i == start {
			return -1
		}
	}
	return i
}

// skipDigits returns the position of the first byte that is not a digit.
func skipDigits(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:]) ^ ones*'0'
		if stop := (x&^highs + ones*(0x80-10) | x) & highs; stop != 0 {
			return i + bits.TrailingZeros64(stop)/8
		}
	}
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	return i
}

// skipNumbers reads the rest of an object, after its opening brace, that holds
// nothing but numbers and at most depth levels of such objects.
func skipNumbers(b []byte, i, depth int) int {
	for {
		i = skipLiteral(b, i, `"`)
		i = skipString(b, i)
		i = skipLiteral(b, i, `:`)
		if i >= 0 && i < len(b) && b[i] == '{' {
			if depth == 0 {
				return -1
			}
			i = skipNumbers(b, i+1, depth-1)
		} else {
			i = skipNumber(b, i)
		}
		if i < 0 || i >= len(b) {
			return -1
		}
		switch b[i] {
		case ',':
			i++
		case '}':
			return i + 1
		default:
			return -1
		}
	}
}

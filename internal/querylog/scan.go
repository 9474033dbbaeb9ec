package querylog

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// The functions in this file read JSON by hand, often eight bytes at a time.
// Each takes a position and returns the one after what it has read, or -1 when the
// text is not of the simple form that it expects, be it sound or not.

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// below returns a word that is not 0 when a byte of x is less than n, at most
// 0x80. Its lowest bit that is set belongs to the first such byte.
func below(x, n uint64) uint64 { return (x - ones*n) &^ x & highs }

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
		if stop := below(x^ones*'"', 1) | below(x^ones*'\\', 1) | below(x, ' '); stop != 0 {
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
func skipEscaped(b []byte, start int) int {
	if start < 0 {
		return -1
	}
	for i := start; ; {
		next := bytes.IndexByte(b[i:], '"')
		if next < 0 {
			return -1
		}
		i += next + 1
		slashes := 0
		for i-2-slashes >= start && b[i-2-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return i
		}
	}
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

package blockgen

import (
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"strings"
)

// fnvHash hashes what the parts print as.
func fnvHash(parts ...any) uint64 {
	h := fnv.New64a()
	fmt.Fprintln(h, parts...)
	return mix(h.Sum64())
}

// mix spreads all bits of x over the result.
func mix(x uint64) uint64 {
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// hexID returns n hexadecimal digits that follow from the parts.
func hexID(n int, parts ...any) string {
	h := fnvHash(parts...)
	var b []byte
	for len(b) < n {
		h = mix(h + 0x9e3779b97f4a7c15)
		b = hex.AppendEncode(b, []byte{byte(h), byte(h >> 8), byte(h >> 16), byte(h >> 24), byte(h >> 32), byte(h >> 40), byte(h >> 48), byte(h >> 56)})
	}
	return string(b[:n])
}

// blockID returns a ULID of the time, in Unix milliseconds.
func blockID(ms int64) string {
	const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	id := make([]byte, 10)
	for i := range id {
		id[i] = digits[ms>>(45-5*i)&31]
	}
	return string(id) + strings.ToUpper(hexID(16, "block", ms))
}

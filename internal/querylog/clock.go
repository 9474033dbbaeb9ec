package querylog

// clock reads times. It remembers the minute and the zone of the last one,
// which are usually those of the next.
type clock struct {
	minute [len("2026-11-22T18:38:")]byte
	zone   [8]byte // padded with zeros
	start  int64   // of the minute, in nanoseconds since 1970
}

// read reads the rest of a string that is a time, the closing quote included.
func (c *clock) read(b []byte, i int) (next int, nanos int64) {
	const head = len(c.minute)
	if i < 0 || len(b)-i < head+4 {
		return -1, 0
	}
	end := skipString(b, i)
	if end < 0 || end-1-i < head+3 {
		return -1, 0
	}
	s := b[i : end-1]
	tens, units := s[head]-'0', s[head+1]-'0'
	if tens > 5 || units > 9 {
		return -1, 0
	}
	nanos = int64(tens*10+units) * 1e9
	rest := s[head+2:]
	if rest[0] == '.' {
		digits := skipDigits(rest, 1) - 1
		if digits < 1 || digits > 9 || digits+1 == len(rest) {
			return -1, 0
		}
		fraction := int64(0)
		for _, d := range rest[1 : 1+digits] {
			fraction = fraction*10 + int64(d-'0')
		}
		nanos += fraction * powersOfTen[9-digits]
		rest = rest[1+digits:]
	}
	var zone [8]byte
	if copy(zone[:], rest) < len(rest) {
		return -1, 0
	}
	if zone != c.zone || [head]byte(s) != c.minute {
		whole, err := parseTime(string(s))
		if err != nil {
			return -1, 0
		}
		c.minute, c.zone, c.start = [head]byte(s), zone, whole-nanos
	}
	return end, c.start + nanos
}

var powersOfTen = [...]int64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}

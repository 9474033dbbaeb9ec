package querylog

// clock reads times. It remembers the minute and the zone of the last one,
// which are usually those of the next.
type clock struct {
	minute string // "2026-11-22T18:38:"
	zone   string // what follows the seconds, closing quote included
	start  int64  // of the minute, in nanoseconds since 1970
}

// read reads the rest of a string that is a time, the closing quote included.
func (c *clock) read(b []byte, i int) (next int, nanos int64) {
	const minute = len("2026-11-22T18:38:")
	if c.zone != "" {
		nanos, zone := readSeconds(b, skipLiteral(b, i, c.minute))
		if next := skipLiteral(b, zone, c.zone); next > 0 {
			return next, c.start + nanos
		}
	}
	next = skipString(b, i)
	if next < 0 || next-i <= minute {
		return -1, 0
	}
	whole, err := parseTime(string(b[i : next-1]))
	if err != nil {
		return -1, 0
	}
	nanos, zone := readSeconds(b, i+minute)
	if zone < 0 || zone >= next {
		return -1, 0
	}
	*c = clock{minute: string(b[i : i+minute]), zone: string(b[zone:next]), start: whole - nanos}
	return next, whole
}

// readSeconds reads seconds such as 59.123, in nanoseconds.
func readSeconds(b []byte, i int) (nanos int64, next int) {
	if i < 0 || len(b)-i < 3 {
		return 0, -1
	}
	tens, units := b[i]-'0', b[i+1]-'0'
	if tens > 5 || units > 9 {
		return 0, -1
	}
	nanos = int64(tens*10+units) * 1e9
	if i += 2; b[i] != '.' {
		return nanos, i
	}
	next = skipDigits(b, i+1)
	digits := b[i+1 : next]
	if len(digits) == 0 || len(digits) > 9 {
		return 0, -1
	}
	fraction := int64(0)
	for _, d := range digits {
		fraction = fraction*10 + int64(d-'0')
	}
	for range 9 - len(digits) {
		fraction *= 10
	}
	return nanos + fraction, next
}

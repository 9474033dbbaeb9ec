package querylog

import (
	"unicode/utf8"

	"github.com/sentei/sentei"
)

// fastEntry is what the usual line of a Prometheus log tells.
type fastEntry struct {
	query  []byte // as it stands in the JSON, in the block's memory
	time   int64
	origin *origin
	end    int // of the line, for the caller
}

// The members of a line, to notice one that comes twice.
const (
	memberTime = 1 << iota
	memberParams
	memberOrigin
	memberStats
	memberLevel
	memberSource
	memberMsg
	memberSpan
	memberTrace
)

// fastLine reads the line that b starts with, newline included, into e and
// returns its length. It is for lines as Prometheus 2 and 3 usually write them: known
// members, no white space, no error, escapes in the query only. For all others
// it returns 0, sound or not, and they are read in full. Where it does return
// a line, that is what parsePrometheus makes of it.
func (t *table) fastLine(b []byte, e *fastEntry) (length int) {
	if len(b) == 0 || b[0] != '{' {
		return 0
	}
	seen := 0
	for i := 1; i > 0 && i+2 < len(b); i++ {
		if b[i] != '"' {
			return 0
		}
		member := 0
		switch b[i+1] {
		case 't':
			switch b[i+2] {
			case 'i':
				member = memberTime
				i = skipLiteral(b, i, `"time":"`)
				i, e.time = t.clock.read(b, i)
			case 's':
				member = memberTime
				i = skipLiteral(b, i, `"ts":"`)
				i, e.time = t.clock.read(b, i)
			case 'r':
				member = memberTrace
				i = skipString(b, skipLiteral(b, i, `"traceID":"`))
			}
		case 'l':
			member = memberLevel
			i = skipString(b, skipLiteral(b, i, `"level":"`))
		case 'm':
			member = memberMsg
			i = skipString(b, skipLiteral(b, i, `"msg":"`))
		case 'p':
			member = memberParams
			i, e.query = fastParams(b, i)
		case 's':
			switch b[i+2] {
			case 'o':
				member = memberSource
				i = skipString(b, skipLiteral(b, i, `"source":"`))
			case 't':
				member = memberStats
				i = fastStats(b, i)
			case 'p':
				member = memberSpan
				i = skipString(b, skipLiteral(b, i, `"spanID":"`))
			}
		case 'h':
			member = memberOrigin
			i, e.origin = t.fastRequest(b, i)
		case 'r':
			member = memberOrigin
			i, e.origin = t.fastGroup(b, i)
		}
		if member == 0 || seen&member != 0 || i < 0 || i >= len(b) {
			return 0
		}
		seen |= member
		if b[i] == ',' {
			continue
		}
		if b[i] != '}' || seen&memberTime == 0 || seen&memberParams == 0 {
			return 0
		}
		if i++; i < len(b) && b[i] != '\n' {
			return 0
		}
		if seen&memberOrigin == 0 {
			e.origin = t.origin(origin{})
		}
		return min(i+1, len(b))
	}
	return 0
}

// fastParams reads "params" and returns the query.
func fastParams(b []byte, i int) (int, []byte) {
	i = skipString(b, skipLiteral(b, i, `"params":{"end":"`))
	start := skipLiteral(b, i, `,"query":"`)
	i = skipEscaped(b, start)
	if i < 0 {
		return -1, nil
	}
	query := b[start : i-1]
	i = skipString(b, skipLiteral(b, i, `,"start":"`))
	i = skipNumber(b, skipLiteral(b, i, `,"step":`))
	return skipLiteral(b, i, `}`), query
}

// fastStats reads "stats": numbers, usually these.
func fastStats(b []byte, start int) int {
	i := skipNumber(b, skipLiteral(b, start, `"stats":{"timings":{"evalTotalTime":`))
	i = skipNumber(b, skipLiteral(b, i, `,"resultSortTime":`))
	i = skipNumber(b, skipLiteral(b, i, `,"queryPreparationTime":`))
	i = skipNumber(b, skipLiteral(b, i, `,"innerEvalTime":`))
	i = skipNumber(b, skipLiteral(b, i, `,"execQueueTime":`))
	i = skipNumber(b, skipLiteral(b, i, `,"execTotalTime":`))
	i = skipNumber(b, skipLiteral(b, i, `},"samples":{"totalQueryableSamples":`))
	if j := skipLiteral(b, i, `,"samplesRead":`); j > 0 {
		i = skipNumber(b, j)
	}
	if j := skipLiteral(b, i, `,"seriesTouched":`); j > 0 {
		i = skipNumber(b, j)
	}
	i = skipNumber(b, skipLiteral(b, i, `,"peakSamples":`))
	if i = skipLiteral(b, i, `}}`); i > 0 {
		return i
	}
	return skipNumbers(b, skipLiteral(b, start, `"stats":{`), 2)
}

// fastRequest reads "httpRequest" and returns its origin.
func (t *table) fastRequest(b []byte, i int) (int, *origin) {
	i = skipString(b, skipLiteral(b, i, `"httpRequest":{"clientIP":"`))
	i = skipString(b, skipLiteral(b, i, `,"method":"`))
	start := skipLiteral(b, i, `,"path":"`)
	i = skipString(b, start)
	end := i
	if i = skipLiteral(b, i, `}`); i < 0 {
		return -1, nil
	}
	path := b[start : end-1]
	o := t.paths[string(path)]
	if o == nil {
		if !utf8.Valid(path) {
			return -1, nil
		}
		o = t.origin(origin{path: string(path)})
		t.paths[string(path)] = o
	}
	return i, o
}

// fastGroup reads "ruleGroup" and returns its origin.
func (t *table) fastGroup(b []byte, i int) (int, *origin) {
	start := skipLiteral(b, i, `"ruleGroup":{"file":"`)
	fileEnd := skipString(b, start)
	nameStart := skipLiteral(b, fileEnd, `,"name":"`)
	nameEnd := skipString(b, nameStart)
	if i = skipLiteral(b, nameEnd, `}`); i < 0 {
		return -1, nil
	}
	raw := b[start:nameEnd]
	o := t.groups[string(raw)]
	if o == nil {
		if !utf8.Valid(raw) {
			return -1, nil
		}
		group := origin{rule: true, file: string(b[start : fileEnd-1]), group: string(b[nameStart : nameEnd-1])}
		if group.file == "" && group.group == "" {
			group = origin{}
		}
		o = t.origin(group)
		t.groups[string(raw)] = o
	}
	return i, o
}

// addFast counts the entry. It returns false when the query is not a sound
// JSON string: then the line is broken.
func (t *table) addFast(e *fastEntry, c *Counts) bool {
	x := t.raw[string(e.query)]
	if x == nil {
		raw := string(e.query)
		s, ok := unescape(raw)
		if !ok {
			return false
		}
		x = newText(s, sentei.PromQL)
		t.raw[raw] = x
	}
	t.hours.add(e.time)
	c.Entries++
	if x.own {
		c.Own++
		return true
	}
	c.Used++
	y := x.tally(e.origin)
	y.count++
	y.span.add(e.time)
	return true
}

// Package loggen writes query logs to test and measure the reader with. In go
// a size and a number of distinct queries; out come lines in the shape of
// Prometheus 3, or of 2, with most evaluations from rule groups and the rest
// from a few queries that are asked often and many that are asked seldom.
package loggen

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"time"
)

// Options say what to write. The same options give the same bytes.
type Options struct {
	Bytes   int64  // how much to write at least; it ends with a whole line
	Texts   int    // how many distinct queries to choose from
	Seed    uint64 // of everything random
	Version int    // of Prometheus, 2 or 3; 0 writes either
	Start   time.Time
}

// log holds what lines are made of.
type log struct {
	rnd   *rand.Rand
	rules [][]byte // queries as JSON strings
	other [][]byte
	zipf  *rand.Zipf
	now   time.Time
	line  []byte
	next  int // rule
}

const millis = "2006-01-02T15:04:05.000Z"

// Write writes a log and returns how many lines it has.
func Write(w io.Writer, o Options) (lines int64, err error) {
	l := log{rnd: rand.New(rand.NewPCG(o.Seed, 1)), now: o.Start}
	if l.now.IsZero() {
		l.now = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	}
	for i := range max(o.Texts, 2) {
		text := quote(query(l.rnd, i))
		if i%5 == 0 {
			l.rules = append(l.rules, text)
		} else {
			l.other = append(l.other, text)
		}
	}
	l.zipf = rand.NewZipf(l.rnd, 1.15, 8, uint64(len(l.other)-1))
	for written := int64(0); written < o.Bytes; lines++ {
		version := o.Version
		if version == 0 {
			version = 2 + l.rnd.IntN(2)
		}
		n, err := w.Write(l.write(version))
		if err != nil {
			return lines, fmt.Errorf("write query log: %w", err)
		}
		written += int64(n)
	}
	return lines, nil
}

// write returns the next line, valid until the next call.
func (l *log) write(version int) []byte {
	l.now = l.now.Add(time.Duration(l.rnd.IntN(60e6)))
	start, step := l.now, 0
	var text []byte
	var request, group string
	if l.rnd.IntN(10) < 6 {
		text = l.rules[l.next%len(l.rules)]
		group = fmt.Sprintf(`"ruleGroup":{"file":"/etc/prometheus/rules/prometheus-k8s-rulefiles-0/monitoring-group-%d.yaml","name":"group-%d.rules"}`,
			l.next%40, l.next%300)
		l.next++
	} else {
		text = l.other[l.zipf.Uint64()]
		path := "/api/v1/query"
		if l.rnd.IntN(4) > 0 {
			path = "/api/v1/query_range"
			step = 15 * (1 + l.rnd.IntN(20))
			start = start.Add(-time.Duration(1+l.rnd.IntN(24)) * time.Hour)
		}
		request = fmt.Sprintf(`"httpRequest":{"clientIP":"10.0.%d.%d","method":"POST","path":"%s"}`,
			l.rnd.IntN(4), l.rnd.IntN(255), path)
	}
	b := append(l.line[:0], '{')
	if version == 2 {
		if request != "" {
			b = append(append(b, request...), ',')
		}
		b = l.params(b, text, start, step)
		if group != "" {
			b = append(append(b, ','), group...)
		}
		b = append(b, `,"spanID":"0000000000000000",`...)
		b = l.stats(b, false)
		b = append(b, `,"ts":"`...)
		b = l.now.AppendFormat(b, millis)
		b = append(b, '"')
	} else {
		b = append(b, `"time":"`...)
		b = l.now.AppendFormat(b, time.RFC3339Nano)
		b = append(b, `","level":"INFO","source":"engine.go:1125","msg":"promql query logged",`...)
		b = l.params(b, text, start, step)
		b = append(b, ',')
		b = l.stats(b, true)
		b = append(append(append(b, ','), request...), group...)
	}
	l.line = append(b, '}', '\n')
	return l.line
}

func (l *log) params(b, text []byte, start time.Time, step int) []byte {
	b = append(b, `"params":{"end":"`...)
	b = l.now.AppendFormat(b, millis)
	b = append(append(b, `","query":`...), text...)
	b = append(b, `,"start":"`...)
	b = start.AppendFormat(b, millis)
	b = append(b, `","step":`...)
	return append(strconv.AppendInt(b, int64(step), 10), '}')
}

func (l *log) stats(b []byte, all bool) []byte {
	seconds := l.rnd.ExpFloat64() / 100
	for i, part := range []string{
		`"stats":{"timings":{"evalTotalTime":`, `,"resultSortTime":`, `,"queryPreparationTime":`,
		`,"innerEvalTime":`, `,"execQueueTime":`, `,"execTotalTime":`,
	} {
		b = append(b, part...)
		share := []float64{1, 0, 0.3, 0.6, 0.001, 1.01}[i]
		value, _ := json.Marshal(float64(int64(seconds*share*1e9)) / 1e9)
		b = append(b, value...)
	}
	samples := l.rnd.Int64N(200000)
	b = strconv.AppendInt(append(b, `},"samples":{"totalQueryableSamples":`...), samples, 10)
	if all {
		b = strconv.AppendInt(append(b, `,"samplesRead":`...), samples, 10)
		b = strconv.AppendInt(append(b, `,"seriesTouched":`...), samples/7+1, 10)
	}
	b = strconv.AppendInt(append(b, `,"peakSamples":`...), samples/9+2, 10)
	return append(b, '}', '}')
}

// quote returns the JSON string of the text, as Prometheus 3 writes it.
func quote(text string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		panic(err) // a string can always be encoded
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

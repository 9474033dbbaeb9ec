package querylog

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sentei/sentei"
)

const (
	slowQuery      = "slow query according to -search.logSlowQueryDuration="
	slowQueryStats = "vm_slow_query_stats "
)

// completeBelow is the longest -search.logSlowQueryDuration with which every
// request is logged: none is served in less.
const completeBelow = time.Microsecond

// victoriaMetrics is the log of VictoriaMetrics or of its vmselect, which
// tells of requests that took longer than -search.logSlowQueryDuration.
func victoriaMetrics() dialect {
	return dialect{
		formats: []string{"victoriametrics"},
		process: true,
		is: func(line []byte) bool {
			return mentionsVictoriaMetrics(line) || bytes.Contains(line, []byte("\tVictoriaMetrics/"))
		},
		parse: parseVictoriaMetrics,
	}
}

func mentionsVictoriaMetrics(line []byte) bool {
	return bytes.Contains(line, []byte(slowQuery)) || bytes.Contains(line, []byte(slowQueryStats))
}

func parseVictoriaMetrics(line []byte, e *entry) error {
	var msg, at string
	if line[0] == '{' {
		err := pairs(string(line), func(key, value string) {
			switch key {
			case "msg":
				msg = value
			case "ts":
				at = value
			}
		})
		if err != nil {
			return err
		}
	} else {
		// time, level, place, message; the time can be switched off.
		msg = string(line[bytes.LastIndexByte(line, '\t')+1:])
		if first, _, ok := strings.Cut(string(line), "\t"); ok && first != "" && first[0] >= '0' && first[0] <= '9' {
			at = first
		}
	}
	if at != "" {
		t, err := parseTime(at)
		if err != nil {
			return err
		}
		e.time = t
	}
	e.lang = sentei.MetricsQL
	e.dialect = "victoriametrics"
	if i := strings.Index(msg, slowQuery); i >= 0 {
		return parseSlowQuery(msg[i+len(slowQuery):], e)
	}
	if i := strings.Index(msg, slowQueryStats); i >= 0 {
		return parseSlowQueryStats(msg[i+len(slowQueryStats):], e)
	}
	return errOther
}

// parseSlowQuery reads
//
//	5s: remoteAddr="127.0.0.1:53318", duration=5.001 seconds; requestURI: "/api/v1/query?query=up"
func parseSlowQuery(s string, e *entry) error {
	limit, rest, ok := strings.Cut(s, ": ")
	if !ok {
		return errors.New("slow query without a limit")
	}
	d, err := time.ParseDuration(limit)
	if err != nil {
		return fmt.Errorf("limit of slow queries: %w", err)
	}
	e.slow = d > completeBelow
	const mark = "requestURI: "
	i := strings.LastIndex(rest, mark)
	if i < 0 {
		return errors.New("slow query without a requestURI")
	}
	uri, err := strconv.Unquote(rest[i+len(mark):])
	if err != nil {
		return errors.New("requestURI is not quoted")
	}
	path, query, _ := strings.Cut(uri, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return fmt.Errorf("requestURI: %w", err)
	}
	e.origin.path = path
	var p params
	for name, list := range values {
		for _, v := range list {
			p.set(name, v)
		}
	}
	return p.fill(e)
}

// parseSlowQueryStats reads
//
//	type=instant query="up" query_hash=1 start_ms=1 end_ms=2 …
func parseSlowQueryStats(s string, e *entry) error {
	e.slow = true
	var p params
	if err := pairs(s, func(key, value string) {
		if key == "query" {
			p.set(key, value)
		}
	}); err != nil {
		return err
	}
	if len(p.queries) == 0 {
		return errors.New("query is missing")
	}
	return p.fill(e)
}

package querylog

import (
	"bytes"
	"strings"

	"github.com/sentei/sentei"
)

// frontend is the log of a query-frontend of Mimir or Thanos, in logfmt or
// JSON: "query stats" tells of every request, "slow query detected" of those
// that took longer than a limit.
func frontend() dialect {
	return dialect{
		formats: []string{"mimir", "thanos"},
		process: true,
		is: func(line []byte) bool {
			return isPairs(line) || len(line) > 0 && line[0] == '{' &&
				bytes.Contains(line, []byte(`"msg"`)) &&
				!bytes.Contains(line, []byte(`"params"`)) && !mentionsVictoriaMetrics(line)
		},
		parse: parseFrontend,
	}
}

// frontendLine holds the fields that matter.
type frontendLine struct {
	msg, at, path, status, code, err, agent string
	params                                  params
}

func (l *frontendLine) set(key, value string) {
	switch key {
	case "msg":
		l.msg = value
	case "ts", "time", "t":
		l.at = value
	case "path":
		l.path = value
	case "status":
		l.status = value
	case "status_code":
		l.code = value
	case "err", "error":
		l.err = value
	case "user_agent":
		l.agent = value
	default:
		if name, ok := strings.CutPrefix(key, "param_"); ok {
			l.params.set(name, value)
		}
	}
}

func parseFrontend(line []byte, e *entry) error {
	var l frontendLine
	if err := pairs(string(line), l.set); err != nil {
		return err
	}
	switch l.msg {
	case "query stats", "failed query":
	case "slow query detected":
		e.slow = true
	default:
		return errOther
	}
	if l.at != "" {
		t, err := parseTime(l.at)
		if err != nil {
			return err
		}
		e.time = t
	}
	// Bad requests are those that cannot be parsed, unless the error is another.
	e.failed = failed(l.err) || l.err == "" && l.code == "400"
	e.own = strings.HasPrefix(l.agent, "sentei")
	e.lang = sentei.PromQL
	e.dialect = "query-frontend"
	e.origin.path = l.path
	return l.params.fill(e)
}

// params are the parameters of a request.
type params struct {
	queries, selectors []string
}

func (p *params) set(name, value string) {
	switch {
	case name == "query" || name == "target":
		p.queries = append(p.queries, value)
	case name == "match[]" || name == "match" || strings.HasPrefix(name, "matchers_"):
		p.selectors = append(p.selectors, splitSelectors(value)...)
	}
}

// fill puts into the entry what the request reads. It returns errOther when
// the request reads no series.
func (p *params) fill(e *entry) error {
	for _, t := range append(p.queries, p.selectors...) {
		if t = strings.TrimSpace(t); t != "" {
			e.texts = append(e.texts, t)
		}
	}
	if len(e.texts) > 0 {
		return nil
	}
	if !readsSeries(e.origin.path) {
		return errOther
	}
	e.blind = true
	return nil
}

// readsSeries reports whether requests to the path always read series.
func readsSeries(path string) bool {
	for _, end := range []string{
		"/api/v1/query", "/api/v1/query_range", "/api/v1/query_exemplars", "/api/v1/read", "/api/v1/series",
		"/federate", "/render", "/api/v1/export", "/api/v1/export/csv", "/api/v1/export/native",
	} {
		if strings.HasSuffix(strings.TrimSuffix(path, "/"), end) {
			return true
		}
	}
	return false
}

package querylog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/sentei/sentei"
)

// prometheus is the file of query_log_file: one JSON object a line, with the
// time in ts up to Prometheus 2 and in time since Prometheus 3.
func prometheus() dialect {
	return dialect{
		formats: []string{"prometheus"},
		is: func(line []byte) bool {
			return len(line) > 0 && line[0] == '{' &&
				(bytes.Contains(line, []byte(`"params"`)) || !bytes.Contains(line, []byte(`"msg"`)))
		},
		parse: parsePrometheus,
	}
}

// prometheusLine holds the fields that matter.
type prometheusLine struct {
	Time   *string `json:"time"`
	TS     *string `json:"ts"`
	Params struct {
		Query *string `json:"query"`
	} `json:"params"`
	Error       json.RawMessage `json:"error"`
	HTTPRequest *struct {
		Path string `json:"path"`
	} `json:"httpRequest"`
	RuleGroup *struct {
		File string `json:"file"`
		Name string `json:"name"`
	} `json:"ruleGroup"`
}

// parsePrometheus reads any line of the log.
func parsePrometheus(line []byte, e *entry) error {
	var l prometheusLine
	if err := json.Unmarshal(line, &l); err != nil {
		return fmt.Errorf("not the JSON of a query log: %w", err)
	}
	if l.Params.Query == nil {
		return errors.New("params.query is missing")
	}
	at := l.Time
	if at == nil {
		at = l.TS
	}
	if at == nil {
		return errors.New("time is missing")
	}
	t, err := parseTime(*at)
	if err != nil {
		return err
	}
	e.time = t
	e.texts = append(e.texts, *l.Params.Query)
	e.lang = sentei.PromQL
	e.failed = failed(string(l.Error))
	if l.HTTPRequest != nil {
		e.origin.path = l.HTTPRequest.Path
	} else if g := l.RuleGroup; g != nil && (g.File != "" || g.Name != "") {
		e.origin = origin{rule: true, file: g.File, group: g.Name}
	}
	return nil
}

// failed reports whether the error says that the query has no result whatever
// the load, the limits and the state of the server: nobody reads what it asks
// for. After any other error, or one that nobody has foreseen, it is still
// wanted by whoever asked.
func failed(err string) bool {
	for _, final := range []string{
		"many-to-many matching not allowed: ",
		"multiple matches for labels: ",
		"vector cannot contain metrics with the same labelset",
		"Parameter value is NaN", "Ratio value is NaN", " overflows int64", " underflows int64",
		"invalid label name ", "invalid destination label name in label_", "invalid source label name in label_",
		"invalid regular expression in label_replace",
		"invalid smoothing factor. ", "invalid trend factor. ",
		"anchored modifier ", "smoothed modifier ",
		": parse error: ", // only query-frontends log these
	} {
		if strings.Contains(err, final) {
			return true
		}
	}
	return false
}

package querylog

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sentei/sentei"
)

// FormatAuto finds the dialect of each line by itself.
const FormatAuto = "auto"

// entry is what one line tells.
type entry struct {
	texts   []string // queries, or selectors
	lang    sentei.Lang
	time    int64 // nanoseconds since 1970; noTime when the line bears none
	origin  origin
	failed  bool
	own     bool
	blind   bool // it read series that the line does not name
	slow    bool // such lines are written for slow requests only
	dialect string
}

// noTime is the time of an entry without one.
const noTime int64 = 0

// origin says what sort of reader asked.
type origin struct {
	rule        bool
	file, group string // of a rule
	path        string // of a request
}

// errOther says that a line is sound, but tells of no query.
var errOther = errors.New("not a query")

// dialect is one way of writing query logs. In the log of a process, lines
// about queries stand between others.
type dialect struct {
	formats []string // their names in the configuration
	process bool
	// is reports whether the line is in this dialect.
	is func(line []byte) bool
	// parse returns errOther for a line that tells of no query, and any other
	// error for one that cannot be understood.
	parse func(line []byte, e *entry) error
}

// dialects lists every dialect. A line belongs to the first that takes it.
func dialects() []dialect {
	return []dialect{prometheus(), frontend(), victoriaMetrics()}
}

// Formats lists the values of Options.Format.
func Formats() []string {
	out := []string{FormatAuto}
	for _, d := range dialects() {
		out = append(out, d.formats...)
	}
	return out
}

// parser reads lines. When fast is set, the short way for the usual line of a
// Prometheus log comes first.
type parser struct {
	fast bool
	full func(line []byte, e *entry) error
}

// lineParser returns the parser of a format.
func lineParser(format string) (parser, error) {
	all := dialects()
	auto := func(line []byte, e *entry) error {
		for _, d := range all {
			if d.is(line) {
				return d.parse(line, e)
			}
		}
		return errors.New("in no known format")
	}
	if format == "" || format == FormatAuto {
		return parser{fast: true, full: unwrapping(auto)}, nil
	}
	for i, d := range all {
		for _, name := range d.formats {
			if name == format {
				return parser{fast: i == 0, full: unwrapping(only(d, name, auto))}, nil
			}
		}
	}
	return parser{}, fmt.Errorf("format %q is none of %s", format, strings.Join(Formats(), ", "))
}

// only reads one dialect. A query in another one is an error, and so is
// whatever else does not belong in a log of nothing but queries.
func only(d dialect, format string, auto func([]byte, *entry) error) func([]byte, *entry) error {
	return func(line []byte, e *entry) error {
		if d.is(line) {
			return d.parse(line, e)
		}
		if auto(line, e) != nil && d.process {
			return errOther
		}
		return fmt.Errorf("not in the format %s", format)
	}
}

// parseTime reads the time of an entry, or of the envelope of a container log.
func parseTime(s string) (int64, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		var err2 error
		// VictoriaMetrics leaves out the colon of the zone.
		if t, err2 = time.Parse("2006-01-02T15:04:05.999999999Z0700", s); err2 != nil {
			return 0, err
		}
	}
	if year := t.Year(); year < 1970 || year > 2200 {
		return 0, fmt.Errorf("time %s is out of range", s)
	}
	return t.UnixNano(), nil
}

// trimLine removes white space, which a carriage return is too.
func trimLine(line []byte) []byte { return bytes.TrimSpace(line) }

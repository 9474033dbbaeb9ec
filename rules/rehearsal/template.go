package rehearsal

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
)

// variableSyntax is Grafana's grammar of variables: $name, [[name:format]] and
// ${name.field:format}.
var variableSyntax = regexp.MustCompile(`\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\$\{(\w+)(?:\.([^:^\}]+))?(?::([^\}]+))?\}`)

// beforeValue finds the label and the operator that stand before the value of a
// matcher, up to and including the opening quote.
var beforeValue = regexp.MustCompile("([a-zA-Z_][a-zA-Z0-9_]*)\\s*(=~|!~|!=|=)\\s*[\"'`]$")

// hole is one place where a template uses a variable.
type hole struct {
	from, to     int // in the text
	name, format string
	values       []string // all that it may hold; nil when that is not known
	label        string   // the label whose matcher's whole value it is
	regex        bool     // in a matcher with =~ or !~
	negative     bool     // in a matcher with != or !~
	quote        byte     // that opens the matcher's value, 0 elsewhere
}

// builtins are values for Grafana's own variables that a dashboard with a range
// of an hour has.
func builtin(name, format string) string {
	switch name {
	case "__interval":
		return "1m"
	case "__rate_interval":
		return "5m"
	case "__range":
		return "1h"
	case "__interval_ms", "__rate_interval_ms":
		return "60000"
	case "__range_s":
		return "3600"
	case "__range_ms":
		return "3600000"
	case "__from", "__to":
		if format == "date:seconds" {
			return "1700000000"
		}
		return "1700000000000"
	}
	return ""
}

// holesOf finds the variables of a template. The error says why values cannot
// be put in.
func holesOf(e *sentei.Expression) ([]hole, error) {
	var holes []hole
	for _, m := range variableSyntax.FindAllStringSubmatchIndex(e.Text, -1) {
		group := func(i int) string {
			if m[2*i] < 0 {
				return ""
			}
			return e.Text[m[2*i]:m[2*i+1]]
		}
		h := hole{from: m[0], to: m[1], name: group(1) + group(2) + group(4), format: group(3) + group(6)}
		if v := builtin(h.name, h.format); v != "" {
			h.values = []string{v}
		} else if i := slices.IndexFunc(e.Variables, func(v sentei.Variable) bool { return v.Name == h.name }); i >= 0 {
			h.values = e.Variables[i].Values
		}
		if h.values == nil && strings.Trim(h.name, "0123456789") == "" {
			continue // a capture group of label_replace
		}
		field := group(5)
		known := slices.Contains([]string{"", "raw", "regex", "pipe", "csv", "glob", "text", "date:seconds"}, h.format)
		if field != "" || !known {
			return nil, fmt.Errorf("the format of the variable %s is not understood", e.Text[m[0]:m[1]])
		}
		if b := beforeValue.FindStringSubmatch(e.Text[:h.from]); b != nil {
			h.regex, h.negative, h.quote = strings.HasSuffix(b[2], "~"), strings.HasPrefix(b[2], "!"), e.Text[h.from-1]
			if rest := e.Text[h.to:]; rest != "" && rest[0] == h.quote {
				h.label = b[1]
			}
		}
		if h.values == nil && h.label == "" {
			return nil, fmt.Errorf("no value is known for the variable %s, and it is not the value of a matcher", e.Text[m[0]:m[1]])
		}
		holes = append(holes, h)
	}
	return holes, nil
}

// instances returns the template with values put in: values that are known of
// its variables, and otherwise those of series that it reads, which are a real
// choice of a viewer. At most a few instances are made, and a last one for
// "All" where variables stand in regular expressions only.
func instances(e *sentei.Expression, read []labels.Labels) ([]string, error) {
	const most = 3
	holes, err := holesOf(e)
	if err != nil {
		return nil, err
	}
	open, all := false, len(holes) > 0
	count := 1
	for _, h := range holes {
		if h.values == nil {
			open = true
			all = all && h.regex && !h.negative
		} else {
			count = max(count, len(h.values))
		}
	}
	if open {
		count = len(read)
	}
	var out []string
	add := func(value func(h *hole) (string, bool)) {
		complete := true
		text := fill(e.Text, holes, func(h *hole) string {
			v, ok := value(h)
			complete = complete && ok
			return v
		})
		if complete && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	for i := 0; i < count && len(out) < most; i++ {
		chosen := map[string]string{}
		add(func(h *hole) (string, bool) {
			if h.values != nil {
				return h.escape(h.values[i%len(h.values)]), true
			}
			if v, ok := chosen[h.name]; ok {
				return h.escape(v), true
			}
			v := read[i].Get(h.label)
			chosen[h.name] = v
			return h.escape(v), v != ""
		})
	}
	if open && all {
		add(func(h *hole) (string, bool) {
			if h.values != nil {
				return h.escape(h.values[0]), true
			}
			return ".+", true
		})
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no series has a value for each of its variables")
	}
	return out, nil
}

// fill puts values in the holes of the text.
func fill(text string, holes []hole, value func(*hole) string) string {
	var b strings.Builder
	at := 0
	for i := range holes {
		b.WriteString(text[at:holes[i].from])
		b.WriteString(value(&holes[i]))
		at = holes[i].to
	}
	b.WriteString(text[at:])
	return b.String()
}

// escape returns the value as Grafana puts it in.
func (h *hole) escape(value string) string {
	if h.regex && h.format != "raw" {
		value = regexp.QuoteMeta(value)
	}
	if h.quote == 0 || h.quote == '`' {
		return value
	}
	quoted := strconv.Quote(value)
	quoted = quoted[1 : len(quoted)-1]
	if h.quote == '\'' {
		quoted = strings.NewReplacer(`\"`, `"`, `'`, `\'`).Replace(quoted)
	}
	return quoted
}

// choosers returns the labels in whose matchers a variable stands.
func choosers(text string) []string {
	var out []string
	for _, m := range variableSyntax.FindAllStringIndex(text, -1) {
		if b := beforeValue.FindStringSubmatch(text[:m[0]]); b != nil {
			out = append(out, b[1])
		}
	}
	return out
}

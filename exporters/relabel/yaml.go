package relabel

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
)

// items returns the rules as a YAML block sequence at the first column, with
// the comments that explain them. item writes a rule.
func (p *jobPlan) items(r *sentei.Report, item func(*rule) string) string {
	var b strings.Builder
	for i := range p.rules {
		rule := &p.rules[i]
		for _, line := range rule.comments(r, p) {
			fmt.Fprintf(&b, "# %s\n", line)
		}
		b.WriteString(item(rule))
	}
	return b.String()
}

// promItem returns the rule as an item of metric_relabel_configs.
func promItem(r *rule) string {
	return "- " + strings.Join(r.fields(false), "\n  ") + "\n"
}

// fields returns the rule as lines of a YAML mapping: the relabel_config of
// Prometheus, or with camel the RelabelConfig of the prometheus-operator.
func (r *rule) fields(camel bool) []string {
	key := func(prometheus, operator string) string {
		if camel {
			return operator + ": "
		}
		return prometheus + ": "
	}
	var lines []string
	if s := r.sources(); len(s) > 0 {
		for i := range s {
			if !model.LegacyValidation.IsValidLabelName(s[i]) {
				s[i] = quote(s[i])
			}
		}
		lines = append(lines, key("source_labels", "sourceLabels")+"["+strings.Join(s, ", ")+"]")
		if len(s) > 1 && r.separator != ";" {
			lines = append(lines, "separator: "+quote(r.separator))
		}
	}
	lines = append(lines, "regex: "+r.scalar())
	switch {
	case r.kind != sentei.StripLabel:
		lines = append(lines, "action: drop")
	case len(r.sources()) == 0:
		lines = append(lines, "action: labeldrop")
	default:
		lines = append(lines, key("target_label", "targetLabel")+quote(r.label), "replacement: ''")
	}
	return lines
}

// scalar returns the expression as YAML: one metric or value on a line, so that
// a reviewer can read it and take one out. A backslash at the end of a line in
// double quotes joins it with the next, whose indentation does not count.
func (r *rule) scalar() string {
	if len(r.proposals) == 1 && len(r.regex()) <= maxLine {
		return quote(r.regex())
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, piece := range r.regexLines() {
		piece = strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(piece)
		if strings.HasPrefix(piece, " ") {
			piece = `\` + piece
		}
		b.WriteString("\\\n    " + piece)
	}
	b.WriteByte('"')
	return b.String()
}

// maxLine is how long an expression may be to stand on one line.
const maxLine = 120

// quote returns a YAML scalar that is the text in every version of YAML.
func quote(s string) string {
	plain := true
	for _, r := range s {
		plain = plain && unicode.IsPrint(r)
	}
	if plain {
		return "'" + strings.ReplaceAll(s, "'", "''") + "'"
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\U%08X`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func quoteAll(texts []string) []string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = quote(t)
	}
	return out
}

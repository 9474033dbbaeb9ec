package relabel

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/sentei/sentei"
)

// items returns the rules as a YAML block sequence at the first column, with
// the comments that explain them.
func (p *jobPlan) items(r *sentei.Report) string {
	var b strings.Builder
	for i := range p.rules {
		rule := &p.rules[i]
		for _, line := range rule.comments(r, p) {
			fmt.Fprintf(&b, "# %s\n", line)
		}
		if rule.job == "" {
			fmt.Fprintf(&b, "- source_labels: [__name__]\n")
		} else {
			fmt.Fprintf(&b, "- source_labels: [__name__, job]\n")
			if rule.separator != ";" {
				fmt.Fprintf(&b, "  separator: %s\n", quote(rule.separator))
			}
		}
		fmt.Fprintf(&b, "  regex: %s\n  action: drop\n", rule.scalar())
	}
	return b.String()
}

// scalar returns the expression as YAML: one metric on a line, so that a
// reviewer can read it and take one out. A backslash at the end of a line in
// double quotes joins it with the next, whose indentation does not count.
func (r *rule) scalar() string {
	if len(r.proposals) == 1 {
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

// comments says what the rule does, what it saves and why it is right.
func (r *rule) comments(report *sentei.Report, plan *jobPlan) []string {
	what := "1 metric"
	if n := len(r.proposals); n > 1 {
		what = fmt.Sprintf("%d metrics", n)
	}
	if r.job != "" {
		what += fmt.Sprintf(" of job %s", printable(r.job))
	}
	lines := []string{
		fmt.Sprintf("sentei %s: drops %s that nobody reads, %s.", report.At.UTC().Format("2006-01-02"), what, saving(report, r.proposals)),
		fmt.Sprintf("None of %d consumers can select a series of them (grade %s). Proposals:", consumers(report, plan.backend.Name), r.proposals[0].Grade),
	}
	const perLine = 7
	for i := 0; i < len(r.proposals); i += perLine {
		var ids []string
		for _, p := range r.proposals[i:min(i+perLine, len(r.proposals))] {
			ids = append(ids, p.ID)
		}
		lines = append(lines, strings.Join(ids, " "))
	}
	return lines
}

// saving returns what the proposals save, in words.
func saving(r *sentei.Report, proposals []sentei.Proposal) string {
	var cost sentei.Cost
	var perMonth float64
	for i := range proposals {
		cost = cost.Plus(proposals[i].Saving)
		perMonth += proposals[i].SavingPerMonth
	}
	if cost == (sentei.Cost{}) {
		return "the saving is counted at another scrape job"
	}
	text := fmt.Sprintf("saves %d series, %s samples a second", cost.Series, rate(cost.SamplesPerSecond))
	if perMonth > 0 {
		text += fmt.Sprintf(", %.2f %s a month", perMonth, printable(r.Settings.Prices.Currency))
	}
	return text
}

func rate(perSecond float64) string {
	if perSecond < 10 {
		return fmt.Sprintf("%.2f", perSecond)
	}
	return fmt.Sprintf("%.0f", perSecond)
}

// consumers counts those that are not dead.
func consumers(r *sentei.Report, backend string) int {
	n := 0
	for i := range r.Consumers {
		if c := &r.Consumers[i]; c.Backend == backend && !c.Dead {
			n++
		}
	}
	return n
}

// printable returns the text for a comment: as it is, or quoted in Go's way
// if it could end the line or confuse a reader.
func printable(s string) string {
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return fmt.Sprintf("%+q", s)
		}
	}
	return s
}

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

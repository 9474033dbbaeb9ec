package changes

import (
	"fmt"
	"strings"

	"github.com/sentei/sentei/internal/number"
)

// Because says which labels and values changed the metric, and whether it has
// another verdict; empty when neither is known.
func (m *Metric) Because() string {
	var parts []string
	for i := range m.Causes {
		parts = append(parts, m.Causes[i].Text())
	}
	if v := m.Verdict(); v != "" {
		parts = append(parts, v)
	}
	return strings.Join(parts, "; ")
}

// Verdict says that the metric has another verdict than before; empty when it
// has the same.
func (m *Metric) Verdict() string {
	if m.VerdictBefore == "" || m.VerdictAfter == "" || m.VerdictBefore == m.VerdictAfter {
		return ""
	}
	return fmt.Sprintf("%s, was %s", m.VerdictAfter, m.VerdictBefore)
}

// Text says what a label did.
func (c *Cause) Text() string {
	s := fmt.Sprintf("%s: %s values, were %s", c.Label, number.Count(c.DistinctAfter), number.Count(c.DistinctBefore))
	if c.DistinctAfter == c.DistinctBefore {
		s = c.Label
	}
	var values []string
	for _, v := range c.Values {
		text := fmt.Sprintf("%q %s", v.Value, number.Signed(v.Series))
		if v.New {
			text += " (new)"
		}
		values = append(values, text)
	}
	if len(values) > 0 {
		s += ": " + strings.Join(values, ", ")
	}
	return s
}

package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/relabel"

	"github.com/sentei/sentei"
)

// finding says what is known of the rule, if anything is wrong with it.
func (c *check) finding(x *index, b *sentei.Backend, minSeries int64) (sentei.Finding, bool) {
	f := sentei.Finding{Backend: b.Name, Rule: noOpRelabelRuleKind, Where: c.where, Jobs: c.scope.Jobs}
	of := &evidence{}
	switch {
	case len(c.forms.series) > 0:
		of = &c.forms
		slices.SortFunc(c.values, sentei.CompareBounds)
		f.Message = fmt.Sprintf("the rule asks for %s in a form that is not stored: %s stay that it would drop, such as %s",
			listed(c.values), count(of.count(), "active series"), of.first)
		f.Hint = `Prometheus 3 stores whole numbers of le and quantile as 1.0: write 1(\.0)? to match both forms`
	case len(c.loose.series) > 0:
		of = &c.loose
		f.Message = fmt.Sprintf("the alternation in %s binds wrongly: an alternative without the separator %q never matches several labels; %s stay that the rule drops with parentheses, such as %s",
			c.rule.Regex.String(), c.rule.Separator, count(of.count(), "active series"), of.first)
		f.Hint = "write " + c.bound.Regex.String()
	case len(c.active.series) > 0:
		of = &c.active
		f.Message = fmt.Sprintf("the rule is not active, or these series come another way: %s get samples that cannot have passed it, such as %s",
			count(of.count(), "series"), of.first)
		f.Hint = "see whether Prometheus runs with this file (prometheus_config_last_reload_successful), and what else sends series of the job"
	case c.write && c.effects == 0 && !c.unsure && c.judgeable():
		f.Message = fmt.Sprintf("the rule changes none of the series that were stored from %s", spanOf(b))
		f.Hint = "if it is not there for what may come, remove it"
		return finding(f), true
	case !c.write && c.namesOnly() && !x.incomplete[b.Name] && !x.anyName(b.Name, c.rule.Regex):
		f.Message = fmt.Sprintf("the rule is about metrics of names that were not stored from %s: %s", spanOf(b), c.rule.Regex.String())
		f.Hint = "if the metrics are gone for good, remove it"
		return finding(f), true
	default:
		return f, false
	}
	if of.count() < minSeries {
		return f, false
	}
	// Sorted, since the order matters to sums of floats.
	for _, k := range slices.SortedFunc(maps.Keys(of.series), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		n := of.series[k]
		if m := x.metric(b.Name, k[0]); m != nil {
			for i := range m.Jobs {
				if m.Jobs[i].Job == k[1] && c.rule.Action == relabel.Drop {
					f.Cost = f.Cost.Plus(m.Jobs[i].Cost.Part(n, n))
				}
			}
		}
	}
	f.PerMonth = x.report.Settings.Prices.PerMonth(f.Cost)
	return finding(f), true
}

func (e *evidence) count() int64 {
	var n int64
	for _, series := range e.series {
		n += series
	}
	return n
}

func spanOf(b *sentei.Backend) string {
	const layout = "2006-01-02 15:04"
	return fmt.Sprintf("%s to %s UTC", b.From.UTC().Format(layout), b.To.UTC().Format(layout))
}

// judgeable reports whether a rule of remote write without effect is worth a
// word: keep rules mean to keep all, and what comes before may hide the effect.
func (c *check) judgeable() bool {
	switch c.rule.Action {
	case relabel.Keep, relabel.KeepEqual, relabel.DropEqual, relabel.LabelKeep:
		return false
	case relabel.LabelDrop, relabel.LabelMap:
		return !slices.ContainsFunc(c.later, func(r *relabel.Config) bool {
			return r.Action != relabel.Drop && r.Action != relabel.Keep
		})
	}
	for name := range c.external { // one that the environment fills in is not known
		if strings.Contains(c.external[name], "$") && slices.Contains(c.rule.SourceLabels, model.LabelName(name)) {
			return false
		}
	}
	return c.stable() && !c.changedByOthers(c.rule.TargetLabel)
}

// namesOnly reports whether the rule sets labels by the metric's name alone,
// and nothing may change names.
func (c *check) namesOnly() bool {
	named := len(c.rule.SourceLabels) == 1 && c.rule.SourceLabels[0] == model.MetricNameLabel
	return named && c.rule.Action == relabel.Replace && !relabeledName(c.rule) && !slices.ContainsFunc(c.later, relabeledName)
}

func relabeledName(r *relabel.Config) bool {
	return (&check{later: []*relabel.Config{r}}).changedByOthers(model.MetricNameLabel)
}

// anyName reports whether the backend stores a metric whose name matches.
func (x *index) anyName(backend string, re relabel.Regexp) bool {
	return slices.ContainsFunc(x.report.Metrics, func(m sentei.MetricReport) bool { return m.Backend == backend && re.MatchString(m.Name) })
}

// nameOf returns what the rule wants of a metric's name, as far as the
// expression shows it.
func nameOf(r *relabel.Config) relabel.Regexp {
	at := slices.Index(r.SourceLabels, model.MetricNameLabel)
	parts := segments(r.Regex.String(), r.Separator)
	// Where a part can match the separator, it may reach over into the next.
	plain := func(p string) bool {
		return strings.Trim(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:()|") == ""
	}
	alternates := slices.ContainsFunc(parts, func(p string) bool { return len(segments(p, "|")) > 1 })
	if at == 0 && len(parts) == len(r.SourceLabels) && (len(parts) == 1 || plain(parts[0]) && !alternates) && (r.Action == relabel.Drop || r.Action == relabel.Replace) {
		if re, err := relabel.NewRegexp(parts[at]); err == nil {
			return re
		}
	}
	return relabel.MustNewRegexp("(?s:.*)")
}

// bound returns the rule as it was likely meant, if its expression has an
// alternation that is not in parentheses; else nil.
func bound(r *relabel.Config) *relabel.Config {
	parts := segments(r.Regex.String(), r.Separator)
	if len(parts) < 2 || len(parts) != len(r.SourceLabels) {
		return nil
	}
	found := false
	for i, p := range parts {
		if len(segments(p, "|")) > 1 {
			parts[i], found = "("+p+")", true
		}
	}
	re, err := relabel.NewRegexp(strings.Join(parts, r.Separator))
	if !found || err != nil {
		return nil
	}
	out := *r
	out.Regex = re
	return &out
}

// segments splits an expression where the separator stands outside of
// parentheses and classes. It returns nil when it cannot be sure.
func segments(regex, separator string) []string {
	if separator == "" || separator != "|" && strings.ContainsAny(separator, `\.+*?()|[]{}^$`) || strings.Contains(regex, `\Q`) {
		return nil
	}
	var out []string
	depth, class, start := 0, false, 0
	for i := 0; i < len(regex); i++ {
		switch c := regex[i]; {
		case c == '\\':
			i++
		case class:
			class = c != ']'
		case c == '[':
			class = true
		case c == '(':
			depth++
		case c == ')':
			depth--
		case depth == 0 && strings.HasPrefix(regex[i:], separator):
			out = append(out, regex[start:i])
			i += len(separator) - 1
			start = i + 1
		}
	}
	return append(out, regex[start:])
}

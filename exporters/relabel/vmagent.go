package relabel

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/VictoriaMetrics/metricsql"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"go.yaml.in/yaml/v2"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
)

var vmagentDialect = Dialect{
	Name: "vmagent", Extension: "yml",
	Doc: sentei.Doc{
		Title: "metric_relabel_configs in the words of vmagent and VictoriaMetrics, and stream aggregation",
		Text: `For the file of ` + "`-promscrape.config`" + `: rules with ` + "`drop_metrics`" + `, a metric on a line, and with ` + "`if`" + `, which takes a series
selector, where Prometheus needs joined labels. A label is taken off chosen metrics by ` + "`labeldrop`" + ` with an ` + "`if`" + `. vmagent
understands the dialect prometheus as well; this one reads easier. Check the result with
` + "`vmagent -dryRun -promscrape.config=FILE`" + `.

vmagent stores le and quantile as they are exposed, so a bucket of 1 second is le="1" here and le="1.0" in Prometheus 3: both
are named. Its expressions are anchored, as those of Prometheus are.

Proposals to aggregate are written below, as a document of its own for ` + "`-remoteWrite.streamAggr.config`" + `. They keep the name of the
metric, so what is not aggregated under that name must not come to the same place. Aggregation is not exact: it writes a
sample each interval, ranges of fewer than two intervals go empty, and several vmagents must each get all series of a group.

Not here: scrape jobs whose name or job label has ` + "`%{`" + ` in it, which vmagent takes for an environment variable; aggregation of a sum whose
metric is neither known as a counter nor as a gauge.`,
		Example: `- action: drop_metrics
  if: ['{job="cart",le=~"1(\\.0)?|2\\.5"}']
  regex: ['cart_items_count']`,
	},
	Write: writeVmagent,
}

func writeVmagent(w io.Writer, r *sentei.Report, o Options) error {
	p := page{
		title: "Metric relabel rules for vmagent",
		how: []string{
			"Append the rules of each job at the end of its metric_relabel_configs in the file of -promscrape.config,",
			"and what stands under Stream aggregation to the file of -remoteWrite.streamAggr.config.",
		},
		place: func(_ *sentei.Backend, p sentei.Proposal) (sentei.Proposal, string) {
			texts := append([]string{p.Place.ScrapeJob, p.Place.Job, p.Action.Metric, p.Action.Label}, p.Action.Values...)
			if slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(s, "%{") }) {
				return p, "vmagent takes %{ for the name of an environment variable"
			}
			return p, ""
		},
		aggregate: streamAggregation,
		render:    vmagentDocument,
	}
	return p.write(w, r, o)
}

func vmagentDocument(r *sentei.Report, b *sentei.Backend, plans []jobPlan) (string, error) {
	var out bytes.Buffer
	out.WriteString(heading(r, b, plans))
	out.WriteString(scrapeConfigs(r, plans, vmagentItem))
	var back struct {
		ScrapeConfigs []readJob[vmagentRule] `yaml:"scrape_configs"`
	}
	if err := yaml.UnmarshalStrict(out.Bytes(), &back); err != nil {
		return "", fmt.Errorf("read back the rules: %w", err)
	}
	return out.String(), checkJobs(plans, back.ScrapeConfigs, byVmagent)
}

// vmagentItem returns the rule as an item of metric_relabel_configs.
func vmagentItem(r *rule) string {
	action, selectors, regexes := "drop_metrics", []string(nil), []string(nil)
	var filters []metricsql.LabelFilter
	if r.job != "" {
		filters = append(filters, metricsql.LabelFilter{Label: model.JobLabel, Value: r.job})
	}
	switch r.kind {
	case sentei.StripLabel:
		action = "labeldrop"
		regexes = []string{relabeling.Literal(r.label)}
		if r.all && r.job != "" {
			selectors = []string{selector(filters)}
		}
		for _, m := range r.metrics() {
			if !r.all {
				selectors = append(selectors, selector(append([]metricsql.LabelFilter{{Label: model.MetricNameLabel, Value: m}}, filters...)))
			}
		}
	default:
		if r.kind == sentei.DropValues {
			regex := relabeling.ValuesRegex(r.label, r.proposals[0].Action.Values)
			filters = append(filters, metricsql.LabelFilter{Label: r.label, Value: regex, IsRegexp: true})
		}
		if len(filters) > 0 {
			selectors = []string{selector(filters)}
		}
		for _, m := range r.metrics() {
			regexes = append(regexes, relabeling.Literal(m))
		}
	}
	out := "- action: " + action + "\n"
	if len(selectors) > 0 {
		out += "  if:" + list(selectors)
	}
	return out + "  regex:" + list(regexes)
}

// list returns a YAML sequence: in the line when it is a single text, else one
// below the other.
func list(texts []string) string {
	if len(texts) == 1 {
		return " [" + quote(texts[0]) + "]\n"
	}
	var b strings.Builder
	b.WriteByte('\n')
	for _, t := range texts {
		b.WriteString("    - " + quote(t) + "\n")
	}
	return b.String()
}

// selector returns the filters as a selector of MetricsQL.
func selector(filters []metricsql.LabelFilter) string {
	b := []byte("{")
	for i := range filters {
		if i > 0 {
			b = append(b, ',')
		}
		b = filters[i].AppendString(b)
	}
	return string(append(b, '}'))
}

// vmagentRule is a relabel rule of vmagent, as far as it is written.
type vmagentRule struct {
	Action string   `yaml:"action"`
	If     []string `yaml:"if"`
	Regex  []string `yaml:"regex"`
}

// byVmagent executes the rules as vmagent does. Its expressions are anchored as
// ^(?:…)$: other than in Prometheus, a dot would not match the end of a line;
// no dot is written.
func byVmagent(rules []vmagentRule) (*execution, error) {
	e := &execution{}
	for _, rule := range rules {
		expr := strings.Join(rule.Regex, "|")
		regex, err := labels.NewFastRegexMatcher(expr)
		if err != nil {
			return nil, fmt.Errorf("read back the rules: %w", err)
		}
		var selectors [][]*labels.Matcher // one of them must match, if there are any
		var names []string                // of the metrics that they ask for
		named := len(rule.If) > 0
		for _, s := range rule.If {
			matchers, err := matchersOf(s)
			if err != nil {
				return nil, fmt.Errorf("read back the rules: %w", err)
			}
			selectors = append(selectors, matchers)
			if first := matchers[0]; first.Name == model.MetricNameLabel && first.Type == labels.MatchEqual {
				names = append(names, first.Value)
			} else {
				named = false
			}
		}
		if !named {
			names = nil
		}
		switch {
		case len(rule.Regex) > 0 && rule.Action == "drop_metrics":
			e.add(func(l labels.Labels) (labels.Labels, bool) {
				return l, !matchesAny(selectors, l) || !regex.MatchString(l.Get(model.MetricNameLabel))
			}, language(expr, ""))
		case len(rule.Regex) > 0 && rule.Action == "labeldrop":
			e.add(func(l labels.Labels) (labels.Labels, bool) {
				if !matchesAny(selectors, l) {
					return l, true
				}
				b := labels.NewBuilder(l)
				l.Range(func(l labels.Label) {
					if regex.MatchString(l.Name) {
						b.Del(l.Name)
					}
				})
				return b.Labels(), true
			}, names)
		default:
			return nil, fmt.Errorf("read back the rules: action %q with %d expressions", rule.Action, len(rule.Regex))
		}
	}
	return e, nil
}

// matchesAny reports whether one of the selectors matches, or there are none.
func matchesAny(selectors [][]*labels.Matcher, l labels.Labels) bool {
	return len(selectors) == 0 || slices.ContainsFunc(selectors, func(matchers []*labels.Matcher) bool { return matches(matchers, l) })
}

func matches(matchers []*labels.Matcher, l labels.Labels) bool {
	return !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(l.Get(m.Name)) })
}

// matchersOf reads a selector of MetricsQL.
func matchersOf(selector string) ([]*labels.Matcher, error) {
	expr, err := metricsql.Parse(selector)
	if err != nil {
		return nil, err
	}
	m, ok := expr.(*metricsql.MetricExpr)
	if !ok || len(m.LabelFilterss) != 1 {
		return nil, fmt.Errorf("%s is no selector", selector)
	}
	var out []*labels.Matcher
	for _, f := range m.LabelFilterss[0] {
		t := labels.MatchEqual
		if f.IsRegexp {
			t = labels.MatchRegexp
		}
		matcher, err := labels.NewMatcher(t, f.Label, f.Value)
		if err != nil {
			return nil, err
		}
		if f.IsNegative {
			return nil, fmt.Errorf("%s refuses something", selector)
		}
		out = append(out, matcher)
	}
	return out, nil
}

package rules

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promql"
	"github.com/sentei/sentei/internal/source"
)

const deleteDeadRuleKind = "delete_dead_rule"

type deleteDeadRuleOptions struct {
	Keep []string `yaml:"keep"`
}

func deleteDeadRule() Info {
	return source.New(deleteDeadRuleKind, sentei.Doc{
		Title: "Delete recording rules whose output nobody reads, and drop what only they read",
		Text: `Proposes to delete a recording rule when no living consumer can select what it records: no alerting rule,
dashboard, logged query or declared consumer, nor a recording rule that one of these reads. Results stay the same to the bit
(grade A). The saving is what the rule records; the work to evaluate it comes on top and is not counted.

**What dies with it.** A metric that only such rules read is proposed by drop_unused_metric. Those proposals and the rules
that read the metric get one group, and so do dead rules that read each other's output: a group stands and falls together,
so decide on it as one. Delete the rules before or together with dropping their inputs.

The dialect diff takes the rule out of your rule file, with the comments that stand right above it. That works for files of
the source rule_files whose rules are written in block style. Others, such as those of a ruler's API, are named with file and
group in comments.

Nothing is proposed for

- any rule of a backend with an open problem that could hide a reader;
- a rule whose output another backend of the report stores too and that is not unused there, unless this one is isolated;
- rules whose output is named under keep.

When several rules write one metric and some of them are alive, it is not known how the series are split, and no saving is
stated.`,
		Example: `delete_dead_rule:
  # Metrics whose recording rules stay.
  keep: [service:slo_target:ratio]
`,
	}, deleteDeadRuleOptions{}, func(o deleteDeadRuleOptions, _ source.Env) (Rule, error) { return o, nil })
}

// Propose implements Rule.
func (o deleteDeadRuleOptions) Propose(_ context.Context, in *Input) (Made, error) {
	var all Made
	x := in.index()
	for i := range x.report.Backends {
		b := &x.report.Backends[i]
		read := sourcesRead(x.report, b.Name)
		counted := map[string]bool{} // by metric
		for _, rule := range x.deletable(b) {
			if slices.Contains(o.Keep, rule[0].Records) {
				continue
			}
			p := x.deletion(b, rule)
			p.Evidence = slices.Concat(x.deletionEvidence(b, rule), read)
			if m := x.metric(b.Name, rule[0].Records); m != nil && !counted[m.Name] && x.onlyDeadWrite(b, m.Name) {
				counted[m.Name] = true
				p.Saving, p.SavingPerMonth = m.Cost, x.report.Settings.Prices.PerMonth(m.Cost)
			}
			all.Proposals = append(all.Proposals, p)
		}
	}
	return all, nil
}

// deletable returns the recording rules of the backend that may be deleted,
// sorted by place. A rule that several sources found is one, its consumers
// sorted by where they may be edited.
func (x *index) deletable(b *sentei.Backend) [][]*sentei.Consumer {
	if known, ok := x.dead[b.Name]; ok || x.blocked(b.Name) {
		return known
	}
	found := map[[4]string][]*sentei.Consumer{}
	var order [][4]string
	for i := range x.report.Consumers {
		c := &x.report.Consumers[i]
		if c.Backend != b.Name || c.Kind != sentei.RecordingRule {
			continue
		}
		k := ruleKey(c)
		if found[k] == nil {
			order = append(order, k)
		}
		found[k] = append(found[k], c)
	}
	var out [][]*sentei.Consumer
	for _, k := range order {
		rule := found[k]
		alive := slices.ContainsFunc(rule, func(c *sentei.Consumer) bool { return !c.Dead || c.Records == "" || x.readerOf(c) != nil })
		if other, _ := x.usedElsewhere(b, &sentei.MetricReport{Metric: sentei.Metric{Name: rule[0].Records}}); alive || other != "" {
			continue
		}
		slices.SortFunc(rule, func(a, b *sentei.Consumer) int {
			if af, bf := x.sourceKind(a) == "rule_files", x.sourceKind(b) == "rule_files"; af != bf {
				if af {
					return -1
				}
				return 1
			}
			return cmp.Or(compareLocations(&a.Location, &b.Location), cmp.Compare(a.ID, b.ID))
		})
		out = append(out, rule)
	}
	slices.SortStableFunc(out, func(a, b []*sentei.Consumer) int { return compareLocations(&a[0].Location, &b[0].Location) })
	x.dead[b.Name] = out
	return out
}

// ruleKey is the same for a rule whichever source found it, and for copies of
// it in one group.
func ruleKey(c *sentei.Consumer) [4]string {
	text := c.Text
	if s, err := promql.Normalize(text); err == nil {
		text = s
	}
	return [4]string{c.Records + "\x00" + fmt.Sprint(c.RecordLabels), text, c.Location.Group, path.Base(filepath.ToSlash(c.Location.File))}
}

func compareLocations(a, b *sentei.Location) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Group, b.Group))
}

// onlyDeadWrite reports whether every rule that records the metric, in any
// backend, is deletable in this one.
func (x *index) onlyDeadWrite(b *sentei.Backend, metric string) bool {
	deletable := map[string]bool{}
	for _, rule := range x.deletable(b) {
		for _, c := range rule {
			deletable[c.ID] = true
		}
	}
	writers := 0
	for i := range x.report.Consumers {
		if c := &x.report.Consumers[i]; c.Records == metric && c.Kind == sentei.RecordingRule {
			writers++
			if !deletable[c.ID] {
				return false
			}
		}
	}
	return writers > 0
}

func (x *index) deletion(b *sentei.Backend, rule []*sentei.Consumer) sentei.Proposal {
	a := sentei.Action{Kind: sentei.DeleteRules, Metric: rule[0].Records, RecordLabels: rule[0].RecordLabels}
	for _, c := range rule {
		a.Rules = append(a.Rules, c.ID)
	}
	slices.Sort(a.Rules)
	key := ruleKey(rule[0]) // not the consumers: they have line numbers
	return sentei.Proposal{
		ID:   sentei.HashID(slices.Concat([]string{deleteDeadRuleKind, b.Name, string(a.Kind)}, key[:])...),
		Rule: deleteDeadRuleKind, Grade: sentei.GradeA, State: sentei.Pending,
		Place: sentei.Place{Backend: b.Name}, Action: a,
		Risk: "Readers that leave no trace in the sources read would miss what it records, and it cannot be computed anew for the time before it comes back.",
		Check: fmt.Sprintf("Look for %s in dashboards and rules that sentei does not read, and ask whoever looks after %s.",
			shellWord(a.Metric), rule[0].Location),
		Rollback: "Put the rule back and reload; it records again from then on, with a gap for the time between.",
	}
}

func (x *index) deletionEvidence(b *sentei.Backend, rule []*sentei.Consumer) []sentei.Evidence {
	c := rule[0]
	out := []sentei.Evidence{{Claim: fmt.Sprintf("It is defined in %s: %s.", c.Location, strings.Join(strings.Fields(c.Text), " "))}}
	query := "count({__name__=" + strconv.Quote(c.Records) + "})"
	if m := x.metric(b.Name, c.Records); m != nil {
		out = append(out, sentei.Evidence{Claim: fmt.Sprintf("%s get samples now; %d were stored in the span.",
			count(m.Cost.Series, "recorded series"), m.Cost.SeriesInSpan), Query: query})
		if !x.onlyDeadWrite(b, m.Name) {
			out = append(out, sentei.Evidence{Claim: "Rules that stay write the metric, too, so no saving is stated."})
		}
	} else {
		out = append(out, sentei.Evidence{Claim: "The inventory holds none of its output.", Query: query})
	}
	readers := 0
	for _, r := range x.readings(c.Records) {
		if r.consumer.Dead && r.consumer.Backend == b.Name && r.selector.MaySelectOutput(c, b.ExternalLabels) {
			out = append(out, sentei.Evidence{Claim: fmt.Sprintf("It is read by %s, which nobody reads either.", describe(r.consumer))})
			readers++
		}
	}
	if readers == 0 {
		out = append(out, sentei.Evidence{Claim: fmt.Sprintf("No consumer has a selector that can match %s.", c.Records)})
	}
	return out
}

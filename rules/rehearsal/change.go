package rehearsal

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/relabel"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
)

// Change is one alteration of what is stored: relabel rules that run after
// those that made the stored data. Changes must not depend on each other,
// since each is also tried alone; see Split.
type Change struct {
	// ID names the change in the result: that of its proposal, or
	// "shop[2]" for the third new rule of the scrape job shop.
	ID string
	// Title says what it does, in a few words.
	Title string
	// Metric is the only metric whose series the rules change, or empty when
	// they may change any.
	Metric string
	Scope  relabeling.Scope
	Rules  []*relabel.Config
}

// FromProposal returns the change that a proposal of the backend makes. The
// error says why this proposal cannot be rehearsed.
func FromProposal(r *sentei.Report, b *sentei.Backend, p *sentei.Proposal) (Change, error) {
	c := Change{ID: p.ID, Metric: p.Action.Metric, Title: relabeling.Title(p)}
	var err error
	switch {
	case p.Action.Kind == sentei.DeleteRules:
		c.Metric, c.Scope = "", relabeling.Scope{All: true, Written: true}
		c.Rules, err = dropRecorded(r, p.Action.Rules)
		return c, err
	case p.Place.RemoteWrite != "":
		return c, errors.New("it cannot be rehearsed: it changes what remote write sends, not what is stored here")
	}
	if c.Rules, err = relabeling.Configs(p); err != nil {
		return c, fmt.Errorf("it cannot be rehearsed: %w", err)
	}
	c.Scope, err = relabeling.ScopeOfProposal(b, p)
	return c, err
}

// dropRecorded returns rules that drop what the recording rules write. Series
// of another rule that writes the same metric with the same labels go with
// them, which may show a difference too many.
func dropRecorded(r *sentei.Report, ids []string) ([]*relabel.Config, error) {
	var out []*relabel.Config
	for _, id := range ids {
		rule := r.Consumer(id)
		if rule == nil || rule.Records == "" {
			return nil, fmt.Errorf("it cannot be rehearsed: there is no recording rule %s", id)
		}
		sources, values := model.LabelNames{model.MetricNameLabel}, []string{rule.Records}
		for _, name := range slices.Sorted(maps.Keys(rule.RecordLabels)) {
			sources, values = append(sources, model.LabelName(name)), append(values, rule.RecordLabels[name])
		}
		separator, ok := relabeling.Separator(values...)
		if !ok {
			return nil, fmt.Errorf("it cannot be rehearsed: no separator is left between the labels of %s", rule.Records)
		}
		c := relabel.DefaultRelabelConfig
		c.Action, c.SourceLabels, c.Separator = relabel.Drop, sources, separator
		c.Regex = relabel.MustNewRegexp(relabeling.Literal(strings.Join(values, separator)))
		out = append(out, &c)
	}
	return out, nil
}

// Split returns the rules of one scrape job as changes, one for each rule. The
// rules stay together in one change when one of them depends on what another
// changes. first is the index of the first rule in its list.
func Split(scrapeJob string, scope relabeling.Scope, first int, rules []*relabel.Config) []Change {
	name := func(i int) string { return fmt.Sprintf("%s[%d]", scrapeJob, first+i) }
	for i, later := range rules {
		for _, earlier := range rules[:i] {
			if dependsOn(later, earlier) {
				return []Change{{
					ID:    fmt.Sprintf("%s[%d-%d]", scrapeJob, first, first+len(rules)-1),
					Title: fmt.Sprintf("%d rules of %s that depend on each other", len(rules), scrapeJob),
					Scope: scope, Rules: rules,
				}}
			}
		}
	}
	var out []Change
	for i, r := range rules {
		out = append(out, Change{ID: name(i), Title: describe(r) + " at " + scrapeJob, Scope: scope, Rules: rules[i : i+1]})
	}
	return out
}

// dependsOn reports whether the outcome of the later rule can depend on what
// the earlier one changes.
func dependsOn(later, earlier *relabel.Config) bool {
	if filters(earlier) {
		return false // what remains, remains as it was
	}
	if later.Action == relabel.LabelMap || earlier.Action == relabel.LabelMap {
		return true
	}
	for _, l := range later.SourceLabels {
		if relabeling.MayChange(earlier, string(l)) {
			return true
		}
	}
	if t := earlier.TargetLabel; t != "" && (strings.Contains(t, "$") || relabeling.MayChange(later, t)) {
		return true
	}
	// A label that both write, or that a filter compares with.
	return later.TargetLabel != "" && (strings.Contains(later.TargetLabel, "$") || relabeling.MayChange(earlier, later.TargetLabel))
}

// filters reports whether the rule only keeps or drops whole series.
func filters(r *relabel.Config) bool {
	switch r.Action {
	case relabel.Drop, relabel.Keep, relabel.DropEqual, relabel.KeepEqual:
		return true
	}
	return false
}

// describe says what a rule does, in a few words.
func describe(r *relabel.Config) string {
	regex := r.Regex.String()
	const most = 60
	if len(regex) > most {
		regex = regex[:most] + "…"
	}
	var sources []string
	for _, l := range r.SourceLabels {
		sources = append(sources, string(l))
	}
	switch r.Action {
	case relabel.LabelDrop, relabel.LabelKeep, relabel.LabelMap:
		return fmt.Sprintf("%s %s", r.Action, regex)
	case relabel.Drop, relabel.Keep:
		return fmt.Sprintf("%s %s=%s", r.Action, strings.Join(sources, r.Separator), regex)
	}
	if r.Action == relabel.Replace && r.Replacement == "" {
		return fmt.Sprintf("clear %s where %s=%s", r.TargetLabel, strings.Join(sources, r.Separator), regex)
	}
	return fmt.Sprintf("%s %s from %s", r.Action, r.TargetLabel, strings.Join(sources, r.Separator))
}

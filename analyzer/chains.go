package analyzer

import (
	"slices"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
)

// side is a backend with its consumers, as one of several.
type side struct {
	inventory *sentei.Inventory
	consumers []sentei.Consumer
	problems  []sentei.Problem
	stores    map[string]bool // names of metrics
	// incomplete says that it may store others, too.
	incomplete bool
	// isolated says that no other backend gets series of this one.
	isolated bool
}

func newSide(c *collection, inv *sentei.Inventory, problems []sentei.Problem) *side {
	s := &side{
		inventory: inv, consumers: understand(c.consumers, inv), problems: problems,
		stores: make(map[string]bool, len(inv.Metrics)), isolated: c.backend.Isolated,
		incomplete: len(c.inventories) < len(c.backend.Inventory),
	}
	for i := range inv.Metrics {
		s.stores[inv.Metrics[i].Name] = true
	}
	for i := range problems {
		p := &problems[i]
		s.incomplete = s.incomplete || p.Blocking && p.Accepted == "" &&
			slices.ContainsFunc(c.backend.Inventory, func(i InventorySource) bool { return i.Name == p.Source })
	}
	return s
}

// mayGet reports whether what the rule of another side records may be stored
// here: by remote write, federation or a query frontend.
func (s *side) mayGet(from *side, rule *sentei.Consumer) bool {
	return !from.isolated && (s.incomplete || s.stores[rule.Records])
}

// sided is a consumer of a side.
type sided struct {
	*sentei.Consumer
	side *side
	// guest says that it stands for consumers that are not known: they matter to
	// other sides, as the problems of its own say enough there.
	guest bool
}

// analyzeRecordingRules walks from the roots of all sides down the chains of
// recording rules until nothing changes: a rule is alive when a living consumer
// can select what it records, and its expression must deliver the labels that
// all living readers need. A rule that stays unreached is dead; it is analyzed
// all the same, since it still reads.
func analyzeRecordingRules(sides []*side) {
	var rules []sided
	var queue []sided // living consumers whose selectors are new
	for _, s := range sides {
		for i := range s.consumers {
			if c := &s.consumers[i]; c.Kind == sentei.RecordingRule {
				rules = append(rules, sided{c, s, false})
			} else {
				queue = append(queue, sided{c, s, false})
			}
		}
		if len(blockers(s.problems)) > 0 { // somebody there may read anything, and everything of it
			queue = append(queue, sided{&sentei.Consumer{Opaque: "not all consumers are known"}, s, true})
		}
	}
	need := map[*sentei.Consumer]sentei.LabelSet{}
	for len(queue) > 0 {
		reader := queue[0]
		queue = queue[1:]
		for _, rule := range rules {
			wanted, reads := needOf(reader, rule)
			if !reads {
				continue
			}
			old, alive := need[rule.Consumer]
			wanted = wanted.Union(old)
			if alive && wanted.Equal(old) {
				continue
			}
			need[rule.Consumer] = wanted
			apply(rule.Consumer, wanted)
			queue = append(queue, rule)
		}
	}
	for _, rule := range rules {
		if _, alive := need[rule.Consumer]; !alive {
			rule.Dead = true
			apply(rule.Consumer, sentei.LabelSet{})
		}
	}
}

// needOf returns the labels of the rule's output that the reader needs, and
// whether it may select that output at all. An opaque reader may select
// anything and need everything. On the way to another backend labels may change.
func needOf(reader, rule sided) (need sentei.LabelSet, reads bool) {
	elsewhere := reader.side != rule.side
	switch {
	case elsewhere && !reader.side.mayGet(rule.side, rule.Consumer), !elsewhere && reader.guest:
		return need, false
	case reader.Opaque != "":
		return sentei.AllLabelsBut(), true
	}
	for i := range reader.Selectors {
		s := &reader.Selectors[i]
		switch {
		case elsewhere && s.MatchesName(rule.Records):
			need, reads = need.Union(s.Live).Union(federated(s.Live)), true
		case !elsewhere && s.MaySelectOutput(rule.Consumer, rule.side.inventory.ExternalLabels):
			need, reads = need.Union(s.Live), true
		}
	}
	for name := range rule.RecordLabels { // the rule sets these itself
		need = need.Without(name)
	}
	return need, reads
}

// federated returns what the labels are called at a server that another one has
// them from: a scrape that does not honor labels renames those that the target
// has too, job to exported_job.
func federated(labels sentei.LabelSet) sentei.LabelSet {
	var out []string
	for _, name := range labels.Names {
		at, renamed := strings.CutPrefix(name, model.ExportedLabelPrefix)
		switch {
		case !labels.AllBut && renamed:
			out = append(out, at)
		case labels.AllBut && !labels.Has(model.ExportedLabelPrefix+name): // under neither name
			out = append(out, name)
		}
	}
	if labels.AllBut {
		return sentei.AllLabelsBut(out...)
	}
	return sentei.Labels(out...)
}

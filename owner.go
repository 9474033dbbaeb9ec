package sentei

import (
	"cmp"
	"hash/fnv"
	"iter"
	"maps"
	"math"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// Owners says whose series are whose. The zero value says nothing.
type Owners struct {
	// Rules are asked one after the other; the first that matches a series
	// names its owner.
	Rules []OwnerRule
	// Label is a label whose value is the owner of series that no rule
	// matches; may be empty.
	Label string
	// Default owns what is left; Nobody when empty.
	Default string
}

// OwnerRule gives the series that satisfy all matchers to an owner.
type OwnerRule struct {
	Owner    string
	Matchers []*labels.Matcher
}

// Nobody is the owner of series that belong to nobody.
const Nobody = "(nobody)"

// Set reports whether anything is said about owners.
func (o *Owners) Set() bool { return len(o.Rules) > 0 || o.Label != "" || o.Default != "" }

// OwnerShare is the part of some series that belongs to an owner, above 0 and
// up to 1.
type OwnerShare struct {
	Owner string  `json:"owner"`
	Share float64 `json:"share"`
}

// Shares splits the series of a metric in a job by their owners, sorted; the
// shares add up to 1. Rules on the metric's name and the job are exact, so a
// single share of 1 is, too. Several shares are estimates: active series are
// taken to have the values of a label in the proportion in which all series of
// the span have them, and different labels to be independent. What depends on
// values that the inventory did not read stands under NotKnown.
func (o *Owners) Shares(metric string, j *JobMetric) []OwnerShare {
	d := division{j: j, left: 1, owned: map[string]float64{}}
	for i := range o.Rules {
		if d.left > 0 {
			d.rule(metric, &o.Rules[i])
		}
	}
	rest := cmp.Or(o.Default, Nobody)
	switch {
	case d.left == 0:
	case o.Label == "":
		d.give(rest, d.left)
	default:
		for value, share := range inOrder(d.values(o.Label)) {
			d.give(cmp.Or(value, rest), d.left*share)
		}
	}
	return d.shares()
}

// inOrder goes through the values of a label in their order, so that sums are
// the same each time.
func inOrder(values map[string]float64) iter.Seq2[string, float64] {
	return func(yield func(string, float64) bool) {
		for _, v := range slices.Sorted(maps.Keys(values)) {
			if !yield(v, values[v]) {
				return
			}
		}
	}
}

// none stands for series without a label, among its values. An empty value is
// the same as no label.
const none = ""

// division is a split of series that is under way.
type division struct {
	j    *JobMetric
	left float64 // part that has no owner yet
	// labels are the values that the part left has of each label, with their
	// shares in it; NotKnown is among them.
	labels map[string]map[string]float64
	owned  map[string]float64
}

func (d *division) give(owner string, share float64) {
	const nothing = 1e-9
	if share > nothing {
		d.owned[owner] += share
	}
}

// values returns the shares of the values of a label in the part left.
func (d *division) values(label string) map[string]float64 {
	if d.labels == nil {
		d.labels = map[string]map[string]float64{}
	}
	if d.labels[label] == nil {
		split := d.j.Shares(label)
		if without, ok := split["(no "+label+")"]; ok {
			delete(split, "(no "+label+")")
			split[none] += without
		}
		d.labels[label] = split
	}
	return d.labels[label]
}

// rule gives what it matches to its owner, and to NotKnown what it may match.
func (d *division) rule(metric string, r *OwnerRule) {
	var byLabel map[string][]*labels.Matcher
	var names []string
	for _, m := range r.Matchers {
		switch m.Name {
		case model.MetricNameLabel:
			if !m.Matches(metric) {
				return
			}
		case model.JobLabel:
			if !m.Matches(d.j.Job) {
				return
			}
		default:
			if byLabel == nil {
				byLabel = map[string][]*labels.Matcher{}
			}
			if byLabel[m.Name] == nil {
				names = append(names, m.Name)
			}
			byLabel[m.Name] = append(byLabel[m.Name], m)
		}
	}
	slices.Sort(names)
	yes, maybe := 1.0, 1.0 // parts of what is left that it matches, and that it does not refuse
	matched := make([]float64, len(names))
	for i, name := range names {
		var y, k float64
		for value, share := range inOrder(d.values(name)) {
			switch {
			case value == NotKnown:
				k += share
			case all(byLabel[name], value):
				y += share
			}
		}
		matched[i] = y + k
		yes *= y
		maybe *= y + k
	}
	if maybe == 0 {
		return
	}
	d.give(r.Owner, d.left*yes)
	d.give(NotKnown, d.left*(maybe-yes))
	d.take(names, byLabel, matched, maybe)
}

// take takes what a rule may match out of what is left: of each of its labels
// the values that it does not refuse.
func (d *division) take(names []string, byLabel map[string][]*labels.Matcher, matched []float64, maybe float64) {
	const nothing = 1e-9
	if 1-maybe < nothing {
		d.left = 0
		return
	}
	for i, name := range names {
		others := maybe / matched[i] // part that the other labels match
		for value, share := range d.labels[name] {
			if value == NotKnown || all(byLabel[name], value) {
				share *= 1 - others
			}
			if share /= 1 - maybe; share < nothing {
				delete(d.labels[name], value)
				continue
			}
			d.labels[name][value] = share
		}
	}
	d.left *= 1 - maybe
}

func all(matchers []*labels.Matcher, value string) bool {
	return !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(value) })
}

// shares returns the split, sorted by owner. What rounding lost goes to all of
// them alike.
func (d *division) shares() []OwnerShare {
	var out []OwnerShare
	sum := 0.0
	for owner, share := range inOrder(d.owned) {
		out = append(out, OwnerShare{owner, share})
		sum += share
	}
	for i := range out {
		out[i].Share /= sum
	}
	return out
}

// OwnerCost is the part of a cost that an owner has.
type OwnerCost struct {
	OwnerShare
	Cost Cost
}

// Costs splits the cost of a metric in a job by its owners, as Shares does.
func (o *Owners) Costs(metric string, j *JobMetric) []OwnerCost {
	return splitCost(j.Cost, o.Shares(metric, j), metric, j.Job)
}

// splitCost splits a cost by shares that add up to 1. Numbers of series stay
// whole, and add up to those of the cost. Who gets the series that is left over
// by rounding depends on the key: with many costs, nobody is favoured.
func splitCost(c Cost, shares []OwnerShare, key ...string) []OwnerCost {
	if len(shares) == 1 {
		return []OwnerCost{{shares[0], c}}
	}
	h := fnv.New64a()
	for _, k := range key {
		h.Write(append([]byte(k), 0))
	}
	left := float64(h.Sum64()>>11) / (1 << 53)
	upTo := func(n int64, part float64) int64 { return int64(math.Floor(float64(n)*part + left)) }
	out := make([]OwnerCost, len(shares))
	at := 0.0
	for i, s := range shares {
		from := at
		if at += s.Share; i == len(shares)-1 {
			at = 1
		}
		out[i] = OwnerCost{s, Cost{
			Series: upTo(c.Series, at) - upTo(c.Series, from), SeriesInSpan: upTo(c.SeriesInSpan, at) - upTo(c.SeriesInSpan, from),
			SamplesPerSecond: c.SamplesPerSecond * s.Share, ChurnPerHour: c.ChurnPerHour * s.Share, EndedPerHour: c.EndedPerHour * s.Share,
			MemoryBytes: c.MemoryBytes * s.Share, DiskBytesPerDay: c.DiskBytesPerDay * s.Share,
		}}
	}
	return out
}

// wholePart returns a part of a number, rounded.
func wholePart(n int64, part float64) int64 { return int64(math.Round(float64(n) * part)) }

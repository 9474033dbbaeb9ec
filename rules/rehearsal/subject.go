package rehearsal

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promql"
)

// subject is one expression to replay, for all consumers that share it.
type subject struct {
	id        string
	first     *sentei.Consumer // the others differ in name and place only
	expr      string
	consumers []Consumer
	selectors []sentei.Selector

	reason  string // why it cannot be replayed, or empty
	touched []int  // indexes of the changes that alter series it reads, sorted
	read    []labels.Labels
	replays []replayed
}

// replayed is one text that is replayed for a subject.
type replayed struct {
	text   string
	lookup bool // the selectors are looked up for their series; text is only a name
}

// subjects groups the consumers of the backend by what they evaluate, sorted
// by their first consumer.
func subjects(r *sentei.Report, backend string) []*subject {
	byKey := map[string]*subject{}
	for i := range r.Consumers {
		c := &r.Consumers[i]
		if c.Backend != backend {
			continue
		}
		expr := c.Text
		if !c.Template && !c.VariableQuery {
			if normal, err := promql.Normalize(c.Text); err == nil {
				expr = normal
			}
		}
		key := keyOf(c, expr)
		s := byKey[key]
		if s == nil {
			s = &subject{id: key, first: c, expr: expr}
			s.reason = unsuited(c)
			byKey[key] = s
		}
		s.consumers = append(s.consumers, Consumer{ID: c.ID, Kind: c.Kind, Name: c.Name, Location: c.Location.String()})
		s.selectors = append(s.selectors, c.Selectors...)
	}
	for _, s := range byKey {
		slices.SortFunc(s.consumers, compareConsumers)
	}
	return slices.SortedFunc(maps.Values(byKey), func(a, b *subject) int {
		return cmp.Or(compareConsumers(a.consumers[0], b.consumers[0]), strings.Compare(a.expr, b.expr), strings.Compare(a.id, b.id))
	})
}

// keyOf returns the same text for consumers whose replay is the same.
func keyOf(c *sentei.Consumer, expr string) string {
	variables, err := json.Marshal(c.Variables)
	if err != nil { // strings always marshal
		variables = []byte(c.ID)
	}
	recorded, err := json.Marshal(c.RecordLabels)
	if err != nil {
		recorded = []byte(c.ID)
	}
	return sentei.HashID(expr, string(c.Lang), fmt.Sprint(c.Template, c.VariableQuery, c.Dead), string(variables), c.Records, string(recorded), c.Opaque)
}

func compareConsumers(a, b Consumer) int {
	return cmp.Or(strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.Location, b.Location), strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
}

// unsuited returns why Prometheus's engine cannot replay the consumer, or "".
func unsuited(c *sentei.Consumer) string {
	switch {
	case c.Opaque != "":
		return "cannot be understood: " + c.Opaque
	case c.Lang == sentei.MetricsQL:
		return "MetricsQL, which Prometheus's engine cannot evaluate"
	}
	return ""
}

// prepare finds out what to replay. It needs the series that the subject reads
// and that a change alters.
func (s *subject) prepare() {
	if s.reason != "" || s.first.Dead {
		return
	}
	c := s.first
	text := strings.TrimSpace(c.Text)
	if c.VariableQuery {
		inner, isQuery := strings.CutPrefix(text, "query_result(")
		if !isQuery {
			s.replays = []replayed{{text: text, lookup: true}}
			return
		}
		text = strings.TrimSuffix(inner, ")")
	}
	texts := []string{text}
	if c.Template || c.VariableQuery {
		e := c.Expression
		e.Text = text
		var err error
		if texts, err = instances(&e, s.read); err != nil {
			s.reason = err.Error()
			return
		}
	}
	for _, t := range texts {
		normal, err := promql.Normalize(t)
		if err != nil {
			s.replays, s.reason = nil, "Prometheus cannot parse it: "+err.Error()
			return
		}
		s.replays = append(s.replays, replayed{text: normal})
	}
}

// outcome returns what is known of the subject before it is replayed.
func (s *subject) outcome(changes []Change) Outcome {
	o := Outcome{Status: NotRehearsed, Reason: s.reason, Expr: s.expr, Consumers: s.consumers}
	if s.first.Dead {
		o.Status, o.Reason = Dead, "nobody reads what it records"
	}
	for _, i := range s.touched {
		o.Changes = append(o.Changes, changes[i].ID)
	}
	if s.first.Template {
		for _, r := range s.replays {
			o.Replayed = append(o.Replayed, r.text)
		}
	}
	return o
}

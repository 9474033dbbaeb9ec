package rules

import (
	"slices"
	"strings"

	"github.com/sentei/sentei"
)

// index finds metrics and consumers of a report without searching all.
type index struct {
	report    *sentei.Report
	metrics   map[[2]string]*sentei.MetricReport // by backend and name
	consumers map[string]*sentei.Consumer        // by identifier
	// byName are the selectors that name one metric in full, others the rest.
	byName map[string][]reading
	others []reading
	opaque []*sentei.Consumer
	// incomplete are the backends with an inventory that could not be read in
	// full, which nobody has accepted.
	incomplete map[string]bool
	// dead are the recording rules that may be deleted, by backend, as far as
	// somebody has asked.
	dead map[string][][]*sentei.Consumer
	// external are the external labels of each backend.
	external map[string][]string
}

// reading is one selector of one consumer.
type reading struct {
	consumer *sentei.Consumer
	selector *sentei.Selector
}

func newIndex(r *sentei.Report) *index {
	x := &index{
		report:    r,
		metrics:   make(map[[2]string]*sentei.MetricReport, len(r.Metrics)),
		consumers: make(map[string]*sentei.Consumer, len(r.Consumers)),
		byName:    map[string][]reading{},
		external:  map[string][]string{},
		dead:      map[string][][]*sentei.Consumer{},

		incomplete: incomplete(r),
	}
	for i := range r.Backends {
		x.external[r.Backends[i].Name] = r.Backends[i].ExternalLabels
	}
	for i := range r.Metrics {
		m := &r.Metrics[i]
		x.metrics[[2]string{m.Backend, m.Name}] = m
	}
	for i := range r.Consumers {
		c := &r.Consumers[i]
		x.consumers[c.ID] = c
		if c.Opaque != "" {
			x.opaque = append(x.opaque, c)
		}
		for j := range c.Selectors {
			s := &c.Selectors[j]
			if name, named := s.NamedMetric(); named {
				x.byName[name] = append(x.byName[name], reading{c, s})
			} else {
				x.others = append(x.others, reading{c, s})
			}
		}
	}
	return x
}

func incomplete(r *sentei.Report) map[string]bool {
	inventories := map[[2]string]bool{} // by backend and source
	for i := range r.Sources {
		if s := &r.Sources[i]; s.Class == "" {
			inventories[[2]string{s.Backend, s.Name}] = true
		}
	}
	found := map[string]bool{}
	for i := range r.Problems {
		if p := &r.Problems[i]; p.Blocking && p.Accepted == "" && inventories[[2]string{p.Backend, p.Source}] {
			found[p.Backend] = true
		}
	}
	return found
}

// blocked reports whether something could hide a consumer of the backend, so
// that nothing may be called unread.
func (x *index) blocked(backend string) bool {
	return slices.ContainsFunc(x.report.Problems, func(p sentei.Problem) bool {
		return p.Blocking && p.Accepted == "" && (p.Backend == backend || p.Backend == "")
	})
}

// sourceKind returns the kind of the source that found the consumer.
func (x *index) sourceKind(c *sentei.Consumer) string {
	for i := range x.report.Sources {
		if s := &x.report.Sources[i]; s.Backend == c.Backend && s.Name == c.Source {
			return s.Kind
		}
	}
	return ""
}

func (x *index) metric(backend, name string) *sentei.MetricReport {
	return x.metrics[[2]string{backend, name}]
}

// readings returns the selectors that may concern metrics of the name: those
// left out name another one in full.
func (x *index) readings(name string) []reading {
	named := x.byName[name]
	return append(slices.Clip(named), x.others...)
}

// scraped returns the metrics of the backend that metric relabel rules reach:
// not those that Prometheus writes itself or that a recording rule writes, nor
// those that another backend may have from here and that are read there.
func (x *index) scraped(b *sentei.Backend) []*sentei.MetricReport {
	recorded := recordedMetrics(x.report)
	var out []*sentei.MetricReport
	for i := range x.report.Metrics {
		m := &x.report.Metrics[i]
		if m.Backend != b.Name || writtenByPrometheus(m.Name) || m.RecordedBy != "" || recorded[m.Name] || strings.Contains(m.Name, ":") {
			continue
		}
		if other, _ := x.usedElsewhere(b, m); other == "" {
			out = append(out, m)
		}
	}
	return out
}

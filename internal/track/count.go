package track

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
)

// key names what a backend stores of what a proposal is about.
type key struct{ backend, proposal string }

// counted is how many live series a backend stores of what a proposal is about.
type counted struct {
	known bool
	of    int64 // all of them
	left  int64 // those that the proposal takes away or changes
	// atMost says that fewer may be left: labels and values were counted over the
	// whole span of the inventory.
	atMost bool
}

// count counts, at the backends that show it, what is left of all proposals
// that may turn out to be carried out.
func (f *follower) count(ctx context.Context) error {
	byBackend := map[string][]*sentei.Proposal{}
	add := func(p *sentei.Proposal) {
		for _, backend := range []string{p.Place.Backend, stored(p)} {
			if k := (key{backend, p.ID}); f.doubtOf(backend) == "" && p.Action.Kind != sentei.SetInterval {
				if _, seen := f.counts[k]; !seen {
					f.counts[k] = counted{}
					byBackend[backend] = append(byBackend[backend], p)
				}
			}
		}
	}
	for i := range f.Tracked {
		add(&f.Tracked[i].Proposal)
	}
	for i := range f.Report.Proposals {
		if yes, _ := f.inForce(&f.Report.Proposals[i]); yes {
			add(&f.Report.Proposals[i])
		}
	}
	for i := range f.Earlier {
		e := &f.Earlier[i]
		if yes, _ := f.inForce(&e.Proposal); !f.now[e.ID] && (yes || f.Decisions[e.ID].State == sentei.Accepted) {
			add(&e.Proposal)
		}
	}
	for _, backend := range slices.Sorted(maps.Keys(byBackend)) {
		if err := f.countIn(ctx, backend, byBackend[backend]); err != nil {
			return fmt.Errorf("count what is left in backend %s: %w", backend, err)
		}
	}
	return nil
}

// countIn counts in one backend: by the figures of the inventory where these
// say that nothing is left, or when neither its series can be read nor its
// server asked.
func (f *follower) countIn(ctx context.Context, backend string, proposals []*sentei.Proposal) error {
	reader := f.Series[backend]
	var read []*sentei.Proposal // what is not clear without looking at series
	for _, p := range proposals {
		c := f.fromInventory(backend, p)
		if reader == nil && (c.atMost || !c.known) {
			c = f.ask(ctx, backend, p, c)
		}
		f.counts[key{backend, p.ID}] = c
		if reader != nil && (!c.known || c.left > 0) {
			read = append(read, p)
		}
	}
	if len(read) == 0 {
		return nil
	}
	return f.readSeries(ctx, backend, reader, read)
}

// fromInventory counts by what the inventory says. Labels and values are
// counted over its whole span there, so that more may seem to be left than is.
func (f *follower) fromInventory(backend string, p *sentei.Proposal) counted {
	out := counted{known: true}
	names, jobs := metrics(p), f.jobs(p)
	for i := range f.Report.Metrics {
		m := &f.Report.Metrics[i]
		if m.Backend != backend || names != nil && !slices.Contains(names, m.Name) {
			continue
		}
		for k := range m.Jobs {
			j := &m.Jobs[k]
			if j.Cost.Series == 0 || jobs != nil && !slices.Contains(jobs, j.Job) {
				continue
			}
			left, known := leftOf(p, j)
			out.known = out.known && known
			out.of += j.Cost.Series
			out.left += min(left, j.Cost.Series)
			out.atMost = out.atMost || left > 0 && j.Cost.SeriesInSpan > j.Cost.Series && (p.Action.Kind == sentei.DropValues || takenLabels(p) != nil)
		}
	}
	return out
}

// ask returns the count with what the server of the backend says is left, or
// as it is when that is not known.
func (f *follower) ask(ctx context.Context, backend string, p *sentei.Proposal, c counted) counted {
	count := f.Counters[backend]
	if count == nil || p.Action.Metric == "" { // all of a job is too much to ask for
		return c
	}
	out := counted{known: true, of: c.of}
	for _, matchers := range selects(p, f.jobs(p)) {
		n, known := count(ctx, matchers)
		if !known {
			return c
		}
		out.left += n // with several labels, a series may count twice
	}
	return out
}

// leftOf returns how many series of a job there are, in the span, that the
// proposal takes away, and whether that is known.
func leftOf(p *sentei.Proposal, j *sentei.JobMetric) (left int64, known bool) {
	if p.Action.Kind == sentei.DropValues {
		l := j.Label(p.Action.Label)
		if l == nil {
			return 0, j.Labels != nil
		}
		for _, v := range l.Values {
			if planned(p, v.Value) {
				left += v.Series
			}
		}
		return left, l.Complete
	}
	taken := takenLabels(p)
	if taken == nil {
		return j.Cost.Series, true
	}
	for _, name := range taken {
		if l := j.Label(name); l != nil {
			left += l.Series
		}
	}
	return left, j.Labels != nil
}

func planned(p *sentei.Proposal, value string) bool {
	return slices.ContainsFunc(p.Action.Values, func(v string) bool {
		return slices.Contains(relabeling.ValueForms(p.Action.Label, v), value)
	})
}

// readSeries counts the live series themselves.
func (f *follower) readSeries(ctx context.Context, backend string, reader sentei.SeriesReader, proposals []*sentei.Proposal) error {
	byMetric := map[string][]*sentei.Proposal{} // those about all metrics under ""
	jobs := make(map[string][]string, len(proposals))
	counts := make(map[string]*counted, len(proposals))
	for _, p := range proposals {
		names := metrics(p)
		if names == nil {
			names = []string{""}
		}
		for _, name := range names {
			byMetric[name] = append(byMetric[name], p)
		}
		counts[p.ID], jobs[p.ID] = &counted{known: true}, f.jobs(p)
	}
	var names []string
	for i := range f.Report.Metrics {
		if m := &f.Report.Metrics[i]; m.Backend == backend && len(byMetric[m.Name])+len(byMetric[""]) > 0 {
			names = append(names, m.Name)
		}
	}
	err := reader.ReadSeries(ctx, names, func(s sentei.Series) error {
		if !s.Live {
			return nil
		}
		for _, name := range []string{s.Labels.Get(model.MetricNameLabel), ""} {
			for _, p := range byMetric[name] {
				if of := jobs[p.ID]; of != nil && !slices.Contains(of, s.Labels.Get(model.JobLabel)) {
					continue
				}
				counts[p.ID].of++
				if takes(p, s.Labels) {
					counts[p.ID].left++
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for id, c := range counts {
		f.counts[key{backend, id}] = *c
	}
	return nil
}

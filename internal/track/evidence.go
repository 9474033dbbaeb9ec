package track

import (
	"fmt"
	"slices"
	"time"

	"github.com/sentei/sentei"
)

// stored returns the backend whose stored series show what came of a proposal.
func stored(p *sentei.Proposal) string {
	if p.Place.RemoteWrite != "" {
		return p.Place.Receiver
	}
	return p.Place.Backend
}

// unread returns the first of a backend's sources of a sort that could not be
// read in full, as text, or "".
func (f *follower) unread(backend string, sort func(*sentei.SourceStatus) bool) string {
	for i := range f.Report.Sources {
		s := &f.Report.Sources[i]
		if s.Backend != backend || !sort(s) {
			continue
		}
		partly := slices.ContainsFunc(f.Report.Problems, func(p sentei.Problem) bool {
			return p.Blocking && p.Accepted == "" && p.Backend == backend && p.Source == s.Name
		})
		switch {
		case !s.Up:
			return fmt.Sprintf("the source %s of backend %s could not be read", s.Name, backend)
		case partly:
			return fmt.Sprintf("the source %s of backend %s could not be read in full", s.Name, backend)
		}
	}
	return ""
}

func isInventory(s *sentei.SourceStatus) bool { return s.Class == "" }

// doubt returns why nothing can be concluded from the series that are stored
// now, or "".
func (f *follower) doubt(p *sentei.Proposal) string {
	if p.Place.RemoteWrite != "" {
		return f.doubtOfReceiver(p)
	}
	if reason := f.doubtOf(p.Place.Backend); reason != "" {
		return reason
	}
	jobs, about := f.jobs(p), metrics(p)
	others := func(m *sentei.MetricReport) bool { return about == nil || !slices.Contains(about, m.Name) }
	if !f.anyLive(p.Place.Backend, jobs, others) {
		if p.Action.Kind == sentei.DeleteRules {
			return fmt.Sprintf("backend %s has no live series of other metrics", p.Place.Backend)
		}
		return fmt.Sprintf("the job %s has no live series of other metrics, so its targets may be down", placeName(p))
	}
	return ""
}

func placeName(p *sentei.Proposal) string {
	if p.Place.Job != "" {
		return p.Place.Job
	}
	return p.Place.ScrapeJob
}

// doubtOf returns why the inventory of a backend is not to be relied on.
func (f *follower) doubtOf(backend string) string {
	if f.backend(backend) == nil {
		return fmt.Sprintf("backend %s is not scanned", backend)
	}
	return f.unread(backend, isInventory)
}

// doubtOfReceiver does so for what is cut at remote write: the sender must have
// what is cut, and send something else of the same job, of what the receiver
// has.
func (f *follower) doubtOfReceiver(p *sentei.Proposal) string {
	sender, receiver := p.Place.Backend, p.Place.Receiver
	for _, backend := range []string{sender, receiver} {
		if reason := f.doubtOf(backend); reason != "" {
			return reason
		}
	}
	switch n := f.counts[key{sender, p.ID}]; {
	case !n.known:
		return fmt.Sprintf("whether backend %s still stores what is cut is not known", sender)
	case n.left == 0:
		return fmt.Sprintf("backend %s stores none of it any more, so nothing shows whether it would be sent", sender)
	}
	jobs := f.jobs(p)
	arrives := func(m *sentei.MetricReport) bool {
		sent := f.metrics[[2]string{sender, m.Name}]
		return sent != nil && m.Name != p.Action.Metric && isLive(sent, jobs)
	}
	if !f.anyLive(receiver, jobs, arrives) {
		return fmt.Sprintf("nothing that backend %s stores of the same job arrives at backend %s", sender, receiver)
	}
	return ""
}

// tooOld returns why an inventory cannot show a change that was seen at an
// instant, or "".
func (f *follower) tooOld(p *sentei.Proposal, applied time.Time) string {
	for _, backend := range []string{p.Place.Backend, stored(p)} {
		if b := f.backend(backend); b != nil && b.To.Before(applied) {
			return fmt.Sprintf("the inventory of backend %s ends at %s, before the change was seen", backend, b.To.UTC().Format("2006-01-02 15:04 UTC"))
		}
	}
	return ""
}

func (f *follower) backend(name string) *sentei.Backend {
	for i := range f.Report.Backends {
		if b := &f.Report.Backends[i]; b.Name == name {
			return b
		}
	}
	return nil
}

// anyLive reports whether a backend has live series in one of the jobs, nil
// standing for any, of a metric that is one of those asked for.
func (f *follower) anyLive(backend string, jobs []string, asked func(*sentei.MetricReport) bool) bool {
	for i := range f.Report.Metrics {
		if m := &f.Report.Metrics[i]; m.Backend == backend && asked(m) && isLive(m, jobs) {
			return true
		}
	}
	return false
}

// isLive reports whether the metric has live series in one of the jobs.
func isLive(m *sentei.MetricReport, jobs []string) bool {
	return slices.ContainsFunc(m.Jobs, func(j sentei.JobMetric) bool {
		return j.Cost.Series > 0 && (jobs == nil || slices.Contains(jobs, j.Job))
	})
}

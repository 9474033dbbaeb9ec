package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/config"
	"github.com/sentei/sentei/internal/relabeling"
	"github.com/sentei/sentei/internal/source"
	"github.com/sentei/sentei/rules/rehearsal"
)

// rehearser replays the consumers with what a scan proposes.
type rehearser struct {
	config *config.Config
	logger *slog.Logger
	now    func() time.Time
	meter  *source.Meter
}

// rehearse rehearses the proposals of the report. What makes a difference is withdrawn, and becomes a problem that shows
// it; the other proposals say how it went. Data that cannot be read are a
// problem, too: then proposals rest on their proof alone.
func (h *rehearser) rehearse(ctx context.Context, r *sentei.Report) {
	for i := range r.Backends {
		b := &r.Backends[i]
		if !slices.ContainsFunc(r.Proposals, func(p sentei.Proposal) bool { return p.Place.Backend == b.Name }) {
			continue
		}
		res, err := h.run(ctx, r, b)
		if err != nil {
			r.Problems = append(r.Problems, rehearsalProblem(b.Name, "", sentei.Problem{
				Message: fmt.Sprintf("the proposals could not be rehearsed: %v", err),
				Hint:    "they rest on their proof alone; see sentei rehearse",
			}))
			continue
		}
		withdraw(r, b, res)
	}
}

func (h *rehearser) run(ctx context.Context, r *sentei.Report, b *sentei.Backend) (*rehearsal.Result, error) {
	data, err := RehearsalData(ctx, h.config, b.Name, h.logger, h.now)
	if err != nil {
		return nil, err
	}
	defer data.Close() //nolint:errcheck // nothing was written
	in := rehearsal.Input{Report: r, Backend: b.Name, Data: data}
	in.AddProposals(b)
	ctx, cancel := context.WithTimeout(ctx, time.Duration(h.config.Rehearsal.Timeout))
	defer cancel()
	o := RehearsalOptions(h.config, h.logger)
	o.Concurrency = runtime.GOMAXPROCS(0)
	h.meter.Begin(h.now())
	defer h.meter.End()
	o.Progress = func(done, total int) { h.meter.Set(int64(done), int64(total), "expressions") }
	began := h.now()
	res, err := rehearsal.Run(ctx, in, o)
	if err == nil {
		f := &res.Figures
		h.logger.Debug("rehearsed proposals", "backend", b.Name, "changes", len(res.Changes), "queries", f.Queries, "differ", f.Differs, "not_rehearsed", f.NotRehearsed, "took", h.now().Sub(began))
	}
	return res, err
}

// withdraw takes the proposals that make a difference out of the report, with
// those that stand and fall with them, and writes the result to the others.
func withdraw(r *sentei.Report, b *sentei.Backend, res *rehearsal.Result) {
	reasons := map[string]string{} // why a proposal goes, by its ID
	for i := range res.Changes {
		c := &res.Changes[i]
		if !c.Differs && c.Ambiguous == 0 {
			continue
		}
		reasons[c.ID] = fmt.Sprintf("%d times several series would become one, and it is not known what that would hold", c.Ambiguous)
		for k := range res.Differences {
			if d := &res.Differences[k]; slices.Contains(d.Changes, c.ID) {
				who := d.Consumers[0]
				reasons[c.ID] = fmt.Sprintf("%s %q (%s) would see another %s at %s: %s", who.Kind, who.Name, d.Expr, d.Kind, d.At.Format(time.RFC3339), d.Detail)
				break
			}
		}
	}
	groups := map[string]bool{}
	for i := range r.Proposals {
		if p := &r.Proposals[i]; p.Group != "" && reasons[p.ID] != "" {
			groups[p.Group] = true
		}
	}
	kept := make([]sentei.Proposal, 0, len(r.Proposals))
	for i := range r.Proposals {
		p := &r.Proposals[i]
		reason := reasons[p.ID]
		if reason == "" && groups[p.Group] {
			reason = "it stands and falls with one that makes a difference"
		}
		switch {
		case p.Place.Backend != b.Name:
		case reason != "":
			hint := "its proof says that nobody notices, so one of the two is wrong: please report it with the output of sentei rehearse"
			if p.Tolerance > 0 {
				hint = "results over an aggregate stay within a tolerance at best; sentei rehearse shows the error of every reader, and max_error of the rule " + p.Rule + " what is tolerated"
			}
			r.Problems = append(r.Problems, rehearsalProblem(b.Name, p.ID, sentei.Problem{
				Message: fmt.Sprintf("a proposal is withdrawn after its rehearsal: %s: %s", relabeling.Title(p), reason), Hint: hint,
			}))
			continue
		default:
			p.Rehearsal = resultOf(p.ID, res)
		}
		kept = append(kept, *p)
	}
	r.Proposals = kept
}

// resultOf says how the rehearsal of a proposal went.
func resultOf(id string, res *rehearsal.Result) *sentei.RehearsalResult {
	i := slices.IndexFunc(res.Changes, func(c rehearsal.ChangeResult) bool { return c.ID == id })
	if i < 0 {
		return nil
	}
	c := &res.Changes[i]
	out := &sentei.RehearsalResult{Consumers: c.Consumers, Replayed: c.Replayed}
	var remarks []string
	if c.Reason != "" {
		remarks = append(remarks, c.Reason)
	}
	if c.Reason == "" && c.Series == 0 {
		remarks = append(remarks, "it alters no series of the data that were replayed")
	}
	for k := range res.Outcomes {
		o := &res.Outcomes[k]
		if len(remarks) < 5 && slices.Contains(o.Changes, id) && (o.Status == rehearsal.NotRehearsed || o.Status == rehearsal.Unstable) {
			remarks = append(remarks, fmt.Sprintf("%s %q was not replayed: %s", o.Consumers[0].Kind, o.Consumers[0].Name, o.Reason))
		}
	}
	if c.Transient > 0 {
		remarks = append(remarks, fmt.Sprintf("when deployed, values are off by up to %.3g %% for up to %s", 100*c.Error, c.Transient))
	}
	out.Errors = errorsOf(id, res)
	out.Detail = strings.Join(remarks, "; ")
	return out
}

// maxErrors is how many consumers a proposal lists with their error.
const maxErrors = 50

// errorsOf returns how far consumers are off under a proposal, the worst first.
func errorsOf(id string, res *rehearsal.Result) []sentei.MeasuredError {
	var out []sentei.MeasuredError
	for i := range res.Errors { // sorted
		e := &res.Errors[i]
		if e.Change != id {
			continue
		}
		for _, c := range e.Consumers {
			one := e.MeasuredError
			one.Consumer = c.ID
			if len(out) < maxErrors {
				out = append(out, one)
			}
		}
	}
	return out
}

// rehearsalProblem fills in who says it. The identifier does not depend on the
// instants of the difference.
func rehearsalProblem(backend, proposal string, p sentei.Problem) sentei.Problem {
	p.Backend, p.Source = backend, "rehearsal"
	p.ID = sentei.HashID("problem", backend, p.Source, proposal)
	return p
}

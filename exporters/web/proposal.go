package web

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/exporters/relabel"
)

// A proofReader is a selector of the proof, with its consumer.
type proofReader struct {
	sentei.ProofReader
	*sentei.Consumer // nil when the report has it no more
}

// A proposalView is all about one proposal.
type proposalView struct {
	sentei.Proposal
	Doc       sentei.Doc
	Paragraph []string // of the documentation
	Metric    *sentei.MetricReport
	Created   string // series per hour that it saves, or "?"
	Readers   []proofReader
	Errors    []measuredError   // of the rehearsal
	Together  []sentei.Proposal // the others that stand and fall with it
	Others    string            // their identifiers
	Patch     rendering
	PatchErr  string
	Rules     rendering
	RulesErr  string
	Decision  sentei.Decision
	History   []sentei.Decision
	Entry     entry
}

func (h *Handler) proposalPage(w http.ResponseWriter, req *http.Request, x *index, s states) {
	p := x.proposals[req.PathValue("id")]
	if p == nil {
		h.proposalGone(w, req, x)
		return
	}
	name, _, _ := req.BasicAuth()
	h.showProposal(w, req, http.StatusOK, x, s, p, entry{By: name})
}

// proposalGone tells what is known of a proposal that the report has no more.
func (h *Handler) proposalGone(w http.ResponseWriter, req *http.Request, x *index) {
	id := req.PathValue("id")
	for i := range x.Tracked {
		if t := &x.Tracked[i]; t.ID == id {
			h.show(w, req, http.StatusOK, "ui-tracked", "proposals", "Carried out", x, t)
			return
		}
	}
	h.fail(w, req, http.StatusNotFound, "The last report has no such proposal. It may have been carried out, or what is stored or read has changed: then another one stands in its place.")
}

// An entry is what was entered into the form, and what is wrong with it.
type entry struct{ State, By, Reason, Until, Error string }

func (h *Handler) showProposal(w http.ResponseWriter, req *http.Request, code int, x *index, s states, p *sentei.Proposal, e entry) {
	v := proposalView{Proposal: s.with(p), Entry: e, Metric: x.metrics[metricKey{p.Place.Backend, p.Action.Metric}], Decision: s.decisions[p.ID], Others: others(x.Report, p)}
	if e.Until == "" {
		v.Entry.Until = h.options.Now().UTC().AddDate(0, 0, 30).Format(time.DateOnly)
	}
	v.Created = knownRate(x.Created(p.Place.Backend, p.Saving))
	v.Doc, _ = h.options.RuleDoc(p.Rule)
	for text := range strings.SplitSeq(v.Doc.Text, "\n\n") {
		if text = strings.TrimSpace(text); text != "" {
			v.Paragraph = append(v.Paragraph, text)
		}
	}
	if p.Proof != nil {
		for _, r := range p.Proof.Readers {
			v.Readers = append(v.Readers, proofReader{r, x.consumers[r.Consumer]})
		}
	}
	if p.Rehearsal != nil {
		for _, e := range p.Rehearsal.Errors {
			e.Age = e.Age.Round(time.Second)
			v.Errors = append(v.Errors, measuredError{e, x.consumers[e.Consumer]})
		}
	}
	alone := *x.Report
	alone.Proposals = nil
	for _, o := range x.Together(p) {
		alone.Proposals = append(alone.Proposals, s.with(o))
		if o.ID != p.ID {
			v.Together = append(v.Together, s.with(o))
		}
	}
	v.Patch, v.PatchErr = h.renderBy("diff", &alone)
	dialect := "prometheus"
	if p.Action.Kind == sentei.Aggregate {
		dialect = "recording_rules"
	}
	v.Rules, v.RulesErr = h.renderBy(dialect, &alone)
	var err error
	if v.History, err = h.history(req.Context(), p.ID); err != nil {
		h.fail(w, req, http.StatusInternalServerError, err.Error())
		return
	}
	h.show(w, req, code, "ui-proposal", "proposals", "Proposal", x, v)
}

// renderBy renders in the dialect with the name; the error is text for the page.
func (h *Handler) renderBy(dialect string, r *sentei.Report) (rendering, string) {
	d, err := relabel.ByName(dialect)
	if err != nil {
		return rendering{}, err.Error()
	}
	out, err := h.write(d, r, "")
	if err != nil {
		return out, err.Error()
	}
	return out, ""
}

// A diffLine is a line of a diff with its class.
type diffLine struct{ Class, Text string }

// Lines returns the lines of the text. In a diff they have classes.
func (r rendering) Lines() []diffLine {
	var out []diffLine
	for line := range strings.Lines(r.Text) {
		class := ""
		if r.Dialect.Name == "diff" {
			switch {
			case strings.HasPrefix(line, "+++"), strings.HasPrefix(line, "---"), strings.HasPrefix(line, "#"):
				class = "head"
			case strings.HasPrefix(line, "@@"):
				class = "hunk"
			case strings.HasPrefix(line, "+"):
				class = "added"
			case strings.HasPrefix(line, "-"):
				class = "removed"
			}
		} else if strings.HasPrefix(strings.TrimSpace(line), "#") {
			class = "head"
		}
		out = append(out, diffLine{class, line})
	}
	return out
}

// A measuredError is how far a consumer is off under the proposal.
type measuredError struct {
	sentei.MeasuredError
	Consumer *sentei.Consumer
}

// Name returns how the consumer is called.
func (e measuredError) Name() string {
	return proofReader{sentei.ProofReader{Consumer: e.MeasuredError.Consumer}, e.Consumer}.Name()
}

// Name returns how the consumer of a proof reader is called.
func (r proofReader) Name() string {
	if r.Consumer == nil {
		return r.ProofReader.Consumer
	}
	return cmp.Or(r.Consumer.Name, r.ID)
}

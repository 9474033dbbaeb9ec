package web

import (
	"context"
	"net/http"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
	"github.com/sentei/sentei/internal/store"
)

// A proposalItem is a proposal with what it does in words.
type proposalItem struct {
	sentei.Proposal
	Title string `json:"title"`
}

func (h *Handler) apiProposals(w http.ResponseWriter, req *http.Request) {
	q, err := readProposalQuery(req.URL.Query(), 100)
	if err != nil {
		apiError(w, http.StatusBadRequest, "bad_data", err.Error())
		return
	}
	s, ok := h.readyStates(w, req)
	if !ok {
		return
	}
	found, sums := s.find(q)
	type grade struct {
		Grade    sentei.Grade `json:"grade"`
		Count    int          `json:"count"`
		Decided  int          `json:"decided"` // of these, not in the saving: decided against or put off
		Saving   sentei.Cost  `json:"saving"`
		PerMonth float64      `json:"saving_per_month"`
	}
	out := struct {
		page[proposalItem]
		Grades   []grade `json:"grades"` // of all that match: grades are never mixed
		Currency string  `json:"currency,omitempty"`
	}{page[proposalItem]{[]proposalItem{}, 0, q.Limit, q.Offset}, []grade{}, s.x.currency}
	for _, g := range sums {
		out.Total += g.Count
		out.Grades = append(out.Grades, grade(g))
	}
	for i := range found {
		out.Items = append(out.Items, proposalItem{found[i], relabeling.Title(&found[i])})
	}
	apiData(w, out)
}

func (h *Handler) apiProposal(w http.ResponseWriter, req *http.Request) {
	x, p := h.readyProposal(w, req)
	if p == nil {
		return
	}
	h.answerProposal(w, req, x, p)
}

// answerProposal answers with all about a proposal as it stands now.
func (h *Handler) answerProposal(w http.ResponseWriter, req *http.Request, x *index, p *sentei.Proposal) {
	s, err := h.states(req.Context(), x)
	if err != nil {
		h.internal(w, req, err)
		return
	}
	history, err := h.history(req.Context(), p.ID)
	if err != nil {
		h.internal(w, req, err)
		return
	}
	type rule struct {
		Name  string `json:"name"`
		Title string `json:"title"`
		Text  string `json:"text"`
	}
	doc, _ := h.options.RuleDoc(p.Rule)
	group := []string{}
	for _, m := range x.Together(p) {
		group = append(group, m.ID)
	}
	apiData(w, struct {
		Proposal sentei.Proposal   `json:"proposal"`
		Title    string            `json:"title"`
		Rule     rule              `json:"rule"`
		Together []string          `json:"together"` // stand and fall together, itself included
		History  []sentei.Decision `json:"history"`
	}{s.with(p), relabeling.Title(p), rule{p.Rule, doc.Title, doc.Text}, group, orEmpty(history)})
}

func (h *Handler) history(ctx context.Context, id string) ([]sentei.Decision, error) {
	if h.options.Decider == nil {
		return nil, nil
	}
	return h.options.Decider.History(ctx, id)
}

func (h *Handler) reports(ctx context.Context) ([]store.ReportInfo, error) {
	if h.options.Decider == nil {
		return nil, nil
	}
	return h.options.Decider.Reports(ctx)
}

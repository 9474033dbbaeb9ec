package web

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/exporters/relabel"
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

// A rendering is proposals in one dialect.
type rendering struct {
	Dialect relabel.Dialect
	Text    string
	Count   int
	Notes   []string
}

// render writes the proposals of a report in a dialect.
func (h *Handler) render(d relabel.Dialect, r *sentei.Report, notes []string) (rendering, error) {
	out := rendering{Dialect: d, Count: len(r.Proposals), Notes: notes}
	o, err := h.options.Relabel()
	if err != nil {
		return out, err
	}
	var b, said bytes.Buffer
	o.Notes = &said
	if err := d.Write(&b, r, o); err != nil {
		return out, err
	}
	out.Text = b.String()
	for line := range strings.Lines(said.String()) {
		out.Notes = append(out.Notes, strings.TrimSuffix(line, "\n"))
	}
	return out, nil
}

func dialectNames() []string {
	var names []string
	for _, d := range relabel.Dialects() {
		names = append(names, d.Name)
	}
	return names
}

// readRelabel reads which dialect is asked for, and proposals of which state:
// the accepted ones, unless told otherwise. all stands for every state.
func readRelabel(req *http.Request) (relabel.Dialect, sentei.State, error) {
	q := query{values: req.URL.Query()}
	name, state := q.one("dialect", dialectNames()...), q.one("state", append(stateNames(), "all")...)
	if q.err != nil {
		return relabel.Dialect{}, "", q.err
	}
	switch state {
	case "":
		state = string(sentei.Accepted)
	case "all":
		state = ""
	}
	if name == "" {
		return relabel.Dialects()[0], sentei.State(state), nil
	}
	d, err := relabel.ByName(name)
	return d, sentei.State(state), err
}

func (h *Handler) apiRelabel(w http.ResponseWriter, req *http.Request) {
	d, state, err := readRelabel(req)
	if err != nil {
		apiError(w, http.StatusBadRequest, "bad_data", err.Error())
		return
	}
	s, ok := h.readyStates(w, req)
	if !ok {
		return
	}
	r, notes := s.only(state)
	out, err := h.render(d, r, notes)
	if err != nil {
		apiError(w, http.StatusUnprocessableEntity, "execution", err.Error())
		return
	}
	apiData(w, struct {
		Dialect   string `json:"dialect"`
		Proposals int    `json:"proposals"`
		Text      string `json:"text"`
	}{d.Name, out.Count, out.Text}, out.Notes...)
}

// download answers with the relabel output as a file.
func (h *Handler) download(w http.ResponseWriter, req *http.Request) {
	d, state, err := readRelabel(req)
	if err != nil {
		h.fail(w, req, http.StatusBadRequest, err.Error())
		return
	}
	x := h.index()
	if x == nil {
		h.fail(w, req, http.StatusServiceUnavailable, noReport)
		return
	}
	s, err := h.states(req.Context(), x)
	if err != nil {
		h.fail(w, req, http.StatusInternalServerError, err.Error())
		return
	}
	r, notes := s.only(state)
	out, err := h.render(d, r, notes)
	if err != nil {
		h.fail(w, req, http.StatusUnprocessableEntity, err.Error())
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", "sentei-"+d.Name+"."+d.Extension))
	w.Header().Set("Cache-Control", "no-store")
	_, _ = strings.NewReader(out.Text).WriteTo(w) // the client has gone
}

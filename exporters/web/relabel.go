package web

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/exporters/relabel"
	"github.com/sentei/sentei/internal/number"
)

// The choices of proposals beside their states.
const (
	allProposals  = "all"
	openProposals = "open" // pending or accepted
)

// A relabelQuery is what relabel output is asked for.
type relabelQuery struct {
	Dialect relabel.Dialect
	State   string // a state, allProposals or openProposals
}

// readRelabel reads dialect and state; what is not given is the default.
func readRelabel(req *http.Request, state string) (relabelQuery, error) {
	q := query{values: req.URL.Query()}
	dialect := cmp.Or(req.PathValue("dialect"), q.one("dialect", dialectNames()...), relabel.Dialects()[0].Name)
	state = cmp.Or(q.one("state", append(stateNames(), openProposals, allProposals)...), state)
	if q.err != nil {
		return relabelQuery{}, q.err
	}
	d, err := relabel.ByName(dialect)
	return relabelQuery{d, state}, err
}

func dialectNames() []string {
	var names []string
	for _, d := range relabel.Dialects() {
		names = append(names, d.Name)
	}
	return names
}

// chosen returns a copy of the report with the proposals that are asked for,
// and the sentence that says which. Proposals that stand and fall together are
// held back while one of them is in another state: the notes say so.
func (s states) chosen(name string) (r *sentei.Report, remark string, notes []string) {
	r = s.all()
	var of []sentei.State
	switch name {
	case allProposals:
		return r, "", nil
	case openProposals:
		of = sentei.Open()
	default:
		of = []sentei.State{sentei.State(name)}
	}
	r, left := r.InStates(of...)
	for _, state := range of {
		if n := left[state]; n > 0 {
			notes = append(notes, fmt.Sprintf("%s left out: what stands and falls with it is not %s", number.Plural(n, "proposal"), state))
		}
	}
	return r, relabel.Remark(of, left), notes
}

// A rendering is proposals in one dialect.
type rendering struct {
	relabelQuery
	Text     string
	Count    int
	Saving   sentei.Cost
	PerMonth float64
	Notes    []string
}

// render writes the proposals that are asked for. When that fails, the
// rendering has everything but the text.
func (h *Handler) render(s states, q relabelQuery) (rendering, error) {
	r, remark, notes := s.chosen(q.State)
	out, err := h.write(q.Dialect, r, remark)
	out.relabelQuery, out.Notes = q, append(notes, out.Notes...)
	return out, err
}

// write writes the proposals of a report in a dialect, below a remark.
func (h *Handler) write(d relabel.Dialect, r *sentei.Report, remark string) (rendering, error) {
	out := rendering{relabelQuery: relabelQuery{Dialect: d}, Count: len(r.Proposals)}
	out.Saving, out.PerMonth = sentei.SumSavings(r.Proposals)
	o, err := h.options.Relabel()
	if err != nil {
		return out, err
	}
	var b, said bytes.Buffer
	o.Notes, o.Remark = &said, remark
	if err := d.Write(&b, r, o); err != nil {
		return out, err
	}
	out.Text = b.String()
	for line := range strings.Lines(said.String()) {
		out.Notes = append(out.Notes, strings.TrimSuffix(line, "\n"))
	}
	return out, nil
}

func (h *Handler) relabelPage(w http.ResponseWriter, req *http.Request, x *index, s states) {
	q, err := readRelabel(req, string(sentei.Accepted))
	if err != nil {
		h.fail(w, req, http.StatusBadRequest, err.Error())
		return
	}
	out, err := h.render(s, q)
	problem := ""
	if err != nil {
		problem = err.Error()
	}
	h.show(w, req, http.StatusOK, "ui-relabel", "relabel", "Relabel configuration", x, struct {
		rendering
		Dialects []relabel.Dialect
		Problem  string
	}{out, relabel.Dialects(), problem})
}

func (h *Handler) apiRelabel(w http.ResponseWriter, req *http.Request) {
	q, err := readRelabel(req, string(sentei.Accepted))
	if err != nil {
		apiError(w, http.StatusBadRequest, "bad_data", err.Error())
		return
	}
	s, ok := h.readyStates(w, req)
	if !ok {
		return
	}
	out, err := h.render(s, q)
	if err != nil {
		apiError(w, http.StatusUnprocessableEntity, "execution", err.Error())
		return
	}
	apiData(w, struct {
		Dialect   string `json:"dialect"`
		Proposals int    `json:"proposals"`
		Text      string `json:"text"`
	}{q.Dialect.Name, out.Count, out.Text}, out.Notes...)
}

// relabelFile answers with the output alone, for programs and as the page's
// download. Unless told otherwise it is of what is open, as sentei propose
// writes it: without decisions everything is.
func (h *Handler) relabelFile(w http.ResponseWriter, req *http.Request) {
	state := openProposals
	if h.options.Decider == nil {
		state = allProposals
	}
	q, err := readRelabel(req, state)
	if err != nil {
		code := http.StatusBadRequest
		if _, unknown := relabel.ByName(req.PathValue("dialect")); unknown != nil {
			code = http.StatusNotFound
		}
		http.Error(w, err.Error(), code)
		return
	}
	x := h.index()
	if x == nil {
		http.Error(w, noReport, http.StatusServiceUnavailable)
		return
	}
	s, err := h.states(req.Context(), x)
	if err != nil {
		h.options.Logger.Error("read decisions", "err", err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	out, err := h.render(s, q)
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")   // decisions change it
	_, _ = strings.NewReader(out.Text).WriteTo(w) // the client has gone
}

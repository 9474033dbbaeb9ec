package web

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/review"
	"github.com/sentei/sentei/internal/store"
)

// maxBody is how much a request to decide may send.
const maxBody = 64 << 10

// tokenHeader carries the token in requests to the API.
const tokenHeader = "Sentei-Token"

// errForeign and errNoToken refuse requests that must not change anything.
var (
	errForeign = errors.New("the request comes from another site, or its form is from before a restart: open the page again and decide once more")
	errNoToken = errors.New("the header " + tokenHeader + " is missing or old: GET /api/v1/status has the token")
)

// check returns why a request must not decide, with the status, or 0.
func (h *Handler) check(req *http.Request, mediaType string) (int, error) {
	switch {
	case h.options.Decider == nil:
		return http.StatusForbidden, errors.New("decisions are not kept: set store.path in the configuration")
	case !h.canDecide():
		return http.StatusForbidden, errors.New("decisions are not taken: web.read_only is set")
	}
	if err := h.foreign.Check(req); err != nil {
		return http.StatusForbidden, errForeign
	}
	if got, _, err := mime.ParseMediaType(req.Header.Get("Content-Type")); err != nil || got != mediaType {
		return http.StatusUnsupportedMediaType, fmt.Errorf("the content type must be %s", mediaType)
	}
	return 0, nil
}

func (h *Handler) ours(token string) bool {
	return subtle.ConstantTimeCompare([]byte(token), []byte(h.token)) == 1
}

// decide takes the form of the page of a proposal.
func (h *Handler) decide(w http.ResponseWriter, req *http.Request) {
	if code, err := h.check(req, "application/x-www-form-urlencoded"); err != nil {
		h.fail(w, req, code, sentence(err))
		return
	}
	req.Body = http.MaxBytesReader(w, req.Body, maxBody)
	if err := req.ParseForm(); err != nil {
		h.fail(w, req, http.StatusBadRequest, sentence(fmt.Errorf("read the form: %w", err)))
		return
	}
	form := req.PostForm
	if !h.ours(form.Get("token")) {
		h.fail(w, req, http.StatusForbidden, sentence(errForeign))
		return
	}
	x := h.index()
	if x == nil {
		h.fail(w, req, http.StatusServiceUnavailable, noReport)
		return
	}
	p := x.proposals[req.PathValue("id")]
	if p == nil {
		h.proposalGone(w, req, x)
		return
	}
	e := entry{State: form.Get("state"), By: form.Get("by"), Reason: form.Get("reason"), Until: form.Get("until")}
	d := sentei.Decision{State: sentei.State(e.State), By: strings.TrimSpace(e.By), Reason: strings.TrimSpace(e.Reason), At: h.options.Now()}
	var err error
	if form.Get("together") != others(x.Report, p) {
		err = errTogether
	} else if d.State == sentei.Snoozed {
		d.Until, err = until(e.Until)
	}
	if err == nil {
		err = h.decideAll(req.Context(), x, p, d)
	}
	if err != nil {
		code := h.refused(err)
		if code == http.StatusInternalServerError {
			h.fail(w, req, code, sentence(err))
			return
		}
		e.Error = sentence(err)
		s, statesErr := h.states(req.Context(), x)
		if statesErr != nil {
			h.fail(w, req, http.StatusInternalServerError, statesErr.Error())
			return
		}
		h.showProposal(w, req, code, x, s, p, e)
		return
	}
	w.Header().Set("Location", "../"+p.ID) // relative: a proxy may have taken a prefix away
	w.WriteHeader(http.StatusSeeOther)
}

// refused returns the status for a decision that was not taken: whoever
// decides can mend what is incomplete; anything else is logged.
func (h *Handler) refused(err error) int {
	if _, ok := errors.AsType[store.IncompleteError](err); ok || errors.Is(err, errEntry) || errors.Is(err, review.ErrCarriedOut) || errors.Is(err, review.ErrRejected) || errors.Is(err, store.ErrNotFound) {
		return http.StatusUnprocessableEntity
	}
	h.options.Logger.Error("decide", "err", err)
	return http.StatusInternalServerError
}

// errEntry is wrapped by errors that whoever decides can mend.
var errEntry = errors.New("it cannot be decided")

// errTogether refuses a form that was made for another set of proposals.
var errTogether = fmt.Errorf("%w: other proposals stand and fall with it than when the page was opened: look at them and decide once more", errEntry)

// others names the proposals that stand and fall with one, sorted.
func others(r *sentei.Report, p *sentei.Proposal) string {
	var ids []string
	for _, m := range r.Together(p) {
		if m.ID != p.ID {
			ids = append(ids, m.ID)
		}
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// decideAll decides about a proposal and those that stand and fall with it.
func (h *Handler) decideAll(ctx context.Context, x *index, p *sentei.Proposal, d sentei.Decision) error {
	all, err := review.Decide(ctx, h.options.Decider, x.Report, p, d)
	for _, m := range all {
		h.options.Logger.Info("decided", "proposal", m.ID, "state", d.State, "by", d.By)
	}
	return err
}

// until reads a day or an instant. A day ends at midnight UTC.
func until(text string) (time.Time, error) {
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, fmt.Errorf("%w: until: want a day as 2026-12-31 or an instant as 2026-12-31T12:00:00Z, got %q", errEntry, text)
	}
	return t, nil
}

// apiDecide takes a decision as JSON.
func (h *Handler) apiDecide(w http.ResponseWriter, req *http.Request) {
	if code, err := h.check(req, "application/json"); err != nil {
		apiError(w, code, "forbidden", err.Error())
		return
	}
	if !h.ours(req.Header.Get(tokenHeader)) {
		apiError(w, http.StatusForbidden, "forbidden", errNoToken.Error())
		return
	}
	var in struct {
		State  sentei.State `json:"state"`
		Reason string       `json:"reason"`
		By     string       `json:"by"`
		Until  string       `json:"until"`
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, req.Body, maxBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		apiError(w, http.StatusBadRequest, "bad_data", "read the decision: "+err.Error())
		return
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		apiError(w, http.StatusBadRequest, "bad_data", "read the decision: there is more than one value")
		return
	}
	x, p := h.readyProposal(w, req)
	if p == nil {
		return
	}
	d := sentei.Decision{State: in.State, By: strings.TrimSpace(in.By), Reason: strings.TrimSpace(in.Reason), At: h.options.Now()}
	var err error
	if in.Until != "" {
		d.Until, err = until(in.Until)
	}
	if err == nil {
		err = h.decideAll(req.Context(), x, p, d)
	}
	if err != nil {
		code, kind := h.refused(err), "bad_data"
		if code == http.StatusInternalServerError {
			kind = "internal"
		}
		apiError(w, code, kind, err.Error())
		return
	}
	h.answerProposal(w, req, x, p)
}

// sentence makes an error one: with a capital and a full stop.
func sentence(err error) string {
	s := err.Error()
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

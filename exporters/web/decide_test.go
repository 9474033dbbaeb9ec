package web

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/reporttest"
	"github.com/sentei/sentei/internal/store"
)

// post sends a form, or JSON when the body begins with a brace, as a page of
// ours does; change may alter the request.
func post(h http.Handler, path, body string, change func(*http.Request)) *httptest.ResponseRecorder {
	req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if strings.HasPrefix(body, "{") {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	if change != nil {
		change(req)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

// tokenOf reads the token from the form of a page.
func tokenOf(t *testing.T, h http.Handler, path string) string {
	t.Helper()
	m := regexp.MustCompile(`name="token" value="([^"]+)"`).FindStringSubmatch(get(t, h, path).Body.String())
	if m == nil {
		t.Fatal("there is no token")
	}
	return m[1]
}

func TestDecide(t *testing.T) {
	r := reporttest.Report()
	keeper := &memory{}
	h := newTest(t, r, func(o *Options) { o.Decider = keeper })
	page := "/" + proposalPath(r.Proposals[0].ID)
	form := url.Values{
		"token": {tokenOf(t, h, page)}, "state": {"snoozed"}, "by": {" ana "}, "reason": {"<script>alert(1)</script>"}, "until": {"2026-12-24"},
	}
	w := post(h, page+"/decision", form.Encode(), nil)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "../"+r.Proposals[0].ID {
		t.Fatalf("%d, to %q: %s", w.Code, w.Header().Get("Location"), w.Body)
	}
	want := []sentei.Decision{{
		Proposal: r.Proposals[0].ID, State: sentei.Snoozed, By: "ana", Reason: "<script>alert(1)</script>", At: testNow,
		Until: time.Date(2026, 12, 24, 0, 0, 0, 0, time.UTC),
	}}
	if diff := cmp.Diff(want, keeper.all); diff != "" {
		t.Error(diff)
	}
	body := get(t, h, page).Body.String()
	if !strings.Contains(body, "&lt;script&gt;alert(1)") || strings.Contains(body, "<script>alert") {
		t.Error("the reason is not escaped, or not shown")
	}

	form.Set("state", "accepted")
	form.Set("by", "")
	w = post(h, page+"/decision", form.Encode(), nil)
	if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "it needs the name") || !strings.Contains(w.Body.String(), "alert(1)&lt;/script&gt;</textarea>") {
		t.Errorf("without a name: %d; what was entered must stay", w.Code)
	}
	form.Set("state", "snoozed")
	form.Set("until", "soon")
	if w = post(h, page+"/decision", form.Encode(), nil); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "want a day") {
		t.Errorf("until soon: %d", w.Code)
	}
	if len(keeper.all) != 1 {
		t.Errorf("%d decisions", len(keeper.all))
	}
}

func TestDecideOverTheAPI(t *testing.T) {
	r := reporttest.Report()
	keeper := &memory{}
	h := newTest(t, r, func(o *Options) { o.Decider = keeper })
	d := readDescription(t)
	const pattern = "POST /api/v1/proposals/{id}/decision"
	path := "/api/v1/proposals/" + r.Proposals[0].ID + "/decision"
	var status struct{ Data struct{ Token string } }
	if err := json.Unmarshal(get(t, h, "/api/v1/status").Body.Bytes(), &status); err != nil {
		t.Fatal(err)
	}
	request := func(path, body string, headers ...string) *http.Request {
		req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set(tokenHeader, status.Data.Token)
		for i := 0; i < len(headers); i += 2 {
			req.Header.Set(headers[i], headers[i+1])
		}
		return req
	}
	const good = `{"state": "accepted", "by": "ana"}`
	d.ask(t, h, pattern, request(path, good, tokenHeader, "guessed"), http.StatusForbidden)
	d.ask(t, h, pattern, request(path, good, "Origin", "https://evil.example"), http.StatusForbidden)
	d.ask(t, h, pattern, request(path, good, "Sec-Fetch-Site", "cross-site"), http.StatusForbidden)
	d.ask(t, h, pattern, request(path, good, "Content-Type", "text/plain"), http.StatusUnsupportedMediaType)
	d.ask(t, h, pattern, request(path, `{"state": "accepted", "by": "ana", "because": 1}`), http.StatusBadRequest)
	d.ask(t, h, pattern, request(path, good+good), http.StatusBadRequest)
	d.ask(t, h, pattern, request(path, `{"reason": "`+strings.Repeat("x", maxBody)+`"}`), http.StatusBadRequest)
	d.ask(t, h, pattern, request(path, `{"state": "accepted"}`), http.StatusUnprocessableEntity)
	d.ask(t, h, pattern, request("/api/v1/proposals/x/decision", good), http.StatusNotFound)
	if len(keeper.all) > 0 {
		t.Fatalf("decided: %v", keeper.all)
	}
	body := d.ask(t, h, pattern, request(path, good), http.StatusOK)
	if !strings.Contains(string(body), `"state":"accepted"`) || len(keeper.all) != 1 {
		t.Errorf("%d decisions, the answer is %s", len(keeper.all), body)
	}
	body = d.ask(t, h, "GET /api/v1/proposals", httptest.NewRequest(http.MethodGet, "/api/v1/proposals?state=accepted", nil), http.StatusOK)
	if !strings.Contains(string(body), `"total":1`) {
		t.Errorf("accepted are %s", body)
	}
}

// What the store refuses can be mended; when it fails, that is another thing.
func TestDecideWithAStore(t *testing.T) {
	r := reporttest.Report()
	kept, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := kept.Remember(t.Context(), r.At, r.Proposals); err != nil {
		t.Fatal(err)
	}
	h := newTest(t, r, func(o *Options) { o.Decider = kept })
	page := "/" + proposalPath(r.Proposals[0].ID)
	form := url.Values{"token": {tokenOf(t, h, page)}, "state": {"rejected"}, "by": {"ana"}}
	if w := post(h, page+"/decision", form.Encode(), nil); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "a rejection needs a reason") {
		t.Errorf("without a reason: %d %s", w.Code, w.Body)
	}
	form.Set("reason", "the auditors need it")
	if w := post(h, page+"/decision", form.Encode(), nil); w.Code != http.StatusSeeOther {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if body := get(t, h, page).Body.String(); !strings.Contains(body, "rejected by <b>ana</b>") || !strings.Contains(body, "the auditors need it") {
		t.Error("the decision is not shown")
	}
	if err := kept.Close(); err != nil {
		t.Fatal(err)
	}
	if w := post(h, page+"/decision", form.Encode(), nil); w.Code != http.StatusInternalServerError {
		t.Errorf("with a closed store: %d", w.Code)
	}
	if w := get(t, h, page); w.Code != http.StatusInternalServerError {
		t.Errorf("with a closed store the page says %d", w.Code)
	}
}

// Only a form of ours may decide, and only where decisions are taken.
func TestForeignRequestsDecideNothing(t *testing.T) {
	r := reporttest.Report()
	keeper := &memory{}
	readOnly := false
	h := newTest(t, r, func(o *Options) { o.Decider, o.ReadOnly = keeper, func() bool { return readOnly } })
	page := "/" + proposalPath(r.Proposals[0].ID)
	token := tokenOf(t, h, page)
	form := url.Values{"token": {token}, "state": {"accepted"}, "by": {"ana"}}.Encode()
	for name, c := range map[string]struct {
		body   string
		change func(*http.Request)
		code   int
	}{
		"no token":         {url.Values{"state": {"accepted"}, "by": {"ana"}}.Encode(), nil, 403},
		"old token":        {strings.Replace(form, token, "OLD", 1), nil, 403},
		"another site":     {form, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403},
		"same site":        {form, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, 403},
		"old browser":      {form, func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "http://evil.example") }, 403},
		"hidden origin":    {form, func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "null") }, 403},
		"plain text":       {form, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 415},
		"token in the URL": {"state=accepted&by=ana", func(r *http.Request) { r.URL.RawQuery = "token=" + token }, 403},
		"read-only":        {form, func(*http.Request) { readOnly = true }, 403},
	} {
		readOnly = false
		w := post(h, page+"/decision", c.body, c.change)
		if w.Code != c.code || len(keeper.all) > 0 {
			t.Errorf("%s: %d, want %d; %d decisions", name, w.Code, c.code, len(keeper.all))
		}
	}
	readOnly = true
	if body := get(t, h, page).Body.String(); strings.Contains(body, "<form class=\"decide\"") || !strings.Contains(body, "read-only") {
		t.Error("a read-only page offers decisions")
	}
	without := newTest(t, r, nil)
	if body := get(t, without, page).Body.String(); strings.Contains(body, "<form class=\"decide\"") || !strings.Contains(body, "without a store") {
		t.Error("without a store decisions are offered")
	}
	if w := post(without, page+"/decision", form, nil); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "store.path") {
		t.Errorf("without a store: %d", w.Code)
	}
	if w := post(h, page, form, nil); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST to a page: %d", w.Code)
	}
	for _, path := range []string{page + "/decision", "/api/v1/proposals/" + r.Proposals[0].ID + "/decision"} {
		if w := get(t, h, path); w.Code == http.StatusOK || len(keeper.all) > 0 {
			t.Errorf("GET %s: %d", path, w.Code)
		}
	}
}

// What stands and falls together is decided and written together.
func TestGroups(t *testing.T) {
	r := reporttest.Report()
	a, b := &r.Proposals[0], &r.Proposals[1]
	a.Group, b.Group = a.ID, a.ID
	keeper := &memory{}
	h := newTest(t, r, func(o *Options) { o.Decider = keeper })
	page := "/" + proposalPath(b.ID)
	w := post(h, page+"/decision", url.Values{"token": {tokenOf(t, h, page)}, "state": {"accepted"}, "by": {"ana"}, "together": {a.ID}}.Encode(), nil)
	if w.Code != http.StatusSeeOther || len(keeper.all) != 2 {
		t.Fatalf("%d, %d decisions", w.Code, len(keeper.all))
	}
	written := func() string { return get(t, h, "/api/v1/relabel?dialect=prometheus").Body.String() }
	if got := written(); !strings.Contains(got, `"proposals":2`) {
		t.Errorf("written: %s", got)
	}
	keeper.all = append(keeper.all, sentei.Decision{Proposal: a.ID, State: sentei.Rejected, By: "bo", At: testNow})
	if got := written(); !strings.Contains(got, `"proposals":0`) || !strings.Contains(got, `"warnings":["1 proposal left out`) {
		t.Errorf("half a group is written: %s", got)
	}
}

func TestSnoozedIsPendingAgain(t *testing.T) {
	r := reporttest.Report()
	now := testNow
	keeper := &memory{all: []sentei.Decision{{Proposal: r.Proposals[0].ID, State: sentei.Snoozed, By: "ana", At: now, Until: now.Add(time.Hour)}}}
	h := newTest(t, r, func(o *Options) { o.Decider, o.Now = keeper, func() time.Time { return now } })
	snoozed := func() bool {
		return strings.Contains(get(t, h, "/api/v1/proposals?state=snoozed").Body.String(), r.Proposals[0].ID)
	}
	if !snoozed() {
		t.Error("it is not snoozed")
	}
	now = now.Add(time.Hour)
	if snoozed() {
		t.Error("it is still snoozed")
	}
}

// TestDecideOnAnotherGroup posts the form of a page that was opened before
// another proposal came to stand and fall with it.
func TestDecideOnAnotherGroup(t *testing.T) {
	r := reporttest.Report()
	for i := range r.Proposals {
		r.Proposals[i].Group = ""
	}
	r.Proposals[0].Group, r.Proposals[1].Group = "g", "g"
	keeper := &memory{}
	h := newTest(t, r, func(o *Options) { o.Decider = keeper })
	page := "/" + proposalPath(r.Proposals[0].ID)
	form := url.Values{"token": {tokenOf(t, h, page)}, "state": {"accepted"}, "by": {"ana"}}
	for _, stale := range []string{"", "0123456789ab"} {
		form.Set("together", stale)
		w := post(h, page+"/decision", form.Encode(), nil)
		if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "than when the page was opened") || len(keeper.all) > 0 {
			t.Errorf("%q: %d, %v", stale, w.Code, keeper.all)
		}
	}
	field := `name="together" value="` + r.Proposals[1].ID + `"`
	if !strings.Contains(get(t, h, page).Body.String(), field) {
		t.Error("the form does not name the others")
	}
	form.Set("together", r.Proposals[1].ID)
	if w := post(h, page+"/decision", form.Encode(), nil); w.Code != http.StatusSeeOther || len(keeper.all) != 2 {
		t.Errorf("%d, %v", w.Code, keeper.all)
	}
}

package web

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/reporttest"
)

// TestOneRelabelOutput compares the page, its download, the file for programs
// and the API: for the same question they have the same answer.
func TestOneRelabelOutput(t *testing.T) {
	r := reporttest.Report()
	r.Proposals = slices.DeleteFunc(r.Proposals, func(p sentei.Proposal) bool { return p.Place.ScrapeJob != "cadvisor" })
	keeper := &memory{all: []sentei.Decision{
		{Proposal: r.Proposals[1].ID, State: sentei.Accepted, By: "ana", At: testNow},
		{Proposal: r.Proposals[2].ID, State: sentei.Rejected, By: "ana", At: testNow},
	}}
	h := newTest(t, r, func(o *Options) { o.Decider = keeper })
	text := func(path string) string {
		w := get(t, h, path)
		if w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", path, w.Code, w.Body)
		}
		return w.Body.String()
	}
	dropped := func(file string) (n int) {
		for i := range r.Proposals {
			if strings.Contains(file, r.Proposals[i].Action.Metric) {
				n++
			}
		}
		return n
	}
	rest := len(r.Proposals) - 2
	download := regexp.MustCompile(`href="\.\./(relabel/[^"]*)" download="sentei-prometheus.yml"`)
	for state, want := range map[string]int{"accepted": 1, "rejected": 1, "pending": rest, "open": rest + 1, "all": rest + 2} {
		file := text("/relabel/prometheus?state=" + state)
		if got := dropped(file); got != want {
			t.Errorf("%s: %d proposals, want %d", state, got, want)
		}
		m := download.FindStringSubmatch(text("/ui/relabel?dialect=prometheus&state=" + state))
		if m == nil || text("/"+m[1]) != file {
			t.Errorf("%s: the download is another: %q", state, m)
		}
		var a struct{ Data struct{ Text string } }
		if err := json.Unmarshal([]byte(text("/api/v1/relabel?dialect=prometheus&state="+state)), &a); err != nil || a.Data.Text != file {
			t.Errorf("%s: the API has another: %v", state, err)
		}
	}
	if file := text("/relabel/prometheus"); file != text("/relabel/prometheus?state=open") || !strings.Contains(file, "Proposals that are pending or accepted; left out: 1 rejected.") {
		t.Errorf("unless told, the file is %.300s", file)
	}
	if !strings.Contains(text("/ui/relabel"), "Proposals that are accepted") {
		t.Error("unless told, the page shows something else than what is accepted")
	}
	without := newTest(t, r, nil)
	if got := dropped(get(t, without, "/relabel/prometheus").Body.String()); got != len(r.Proposals) {
		t.Errorf("without decisions: %d proposals", got)
	}
	for path, code := range map[string]int{"/relabel/klingon": http.StatusNotFound, "/relabel/prometheus?state=x": http.StatusBadRequest} {
		if w := get(t, h, path); w.Code != code || !strings.Contains(w.Body.String(), "one of") && !strings.Contains(w.Body.String(), "none of") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	if w := get(t, newTest(t, nil, nil), "/relabel/prometheus"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("before the first report: %d", w.Code)
	}
}

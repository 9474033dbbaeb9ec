package web

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/sentei/sentei"
)

// The types of perses/metrics-usage: GET /api/v1/metrics answers in its shape,
// without an envelope, so that programs made for it can ask sentei.

type usageDashboard struct {
	UID   string `json:"uid"`
	Title string `json:"title"`
	URL   string `json:"url"`
}

type usageRule struct {
	PromLink   string `json:"prom_link"`
	GroupName  string `json:"group_name"`
	Name       string `json:"name"`
	Expression string `json:"expression"`
}

type usageOf struct {
	Dashboards     []usageDashboard `json:"dashboards,omitempty"`
	RecordingRules []usageRule      `json:"recordingRules,omitempty"`
	AlertRules     []usageRule      `json:"alertRules,omitempty"`
}

type usageEntry struct {
	Labels []string `json:"labels,omitempty"`
	// Usage is missing for what is unused, and only for that. It is empty for
	// what is read by logged queries and declared consumers alone, of which
	// this shape cannot tell, and for what is unknown.
	Usage *usageOf `json:"usage,omitempty"`
}

func (x *index) usage(metrics []*sentei.MetricReport) usageEntry {
	var e usageEntry
	for _, m := range metrics {
		for i := range m.Jobs {
			if m.Jobs[i].Job != "" {
				e.Labels = append(e.Labels, "job")
			}
			for k := range m.Jobs[i].Labels {
				e.Labels = append(e.Labels, m.Jobs[i].Labels[k].Name)
			}
		}
		if m.Verdict == sentei.Unused && len(m.DeadReaders) == 0 {
			continue
		}
		if e.Usage == nil {
			e.Usage = &usageOf{}
		}
		for _, id := range slices.Concat(m.Readers, m.DeadReaders) {
			if c := x.consumers[id]; c != nil {
				e.Usage.add(c)
			}
		}
	}
	slices.Sort(e.Labels)
	e.Labels = slices.Compact(e.Labels)
	return e
}

func (u *usageOf) add(c *sentei.Consumer) {
	rule := usageRule{c.Location.URL, c.Location.Group, c.Name, c.Text}
	switch c.Kind {
	case sentei.Dashboard:
		d := usageDashboard{c.Location.DashboardUID, c.Location.Dashboard, c.Location.URL}
		if !slices.ContainsFunc(u.Dashboards, func(o usageDashboard) bool { return o.UID == d.UID && o.Title == d.Title }) {
			u.Dashboards = append(u.Dashboards, d)
		}
	case sentei.RecordingRule:
		u.RecordingRules = append(u.RecordingRules, rule)
	case sentei.AlertingRule:
		u.AlertRules = append(u.AlertRules, rule)
	}
}

// usageError answers as metrics-usage does.
func usageError(w http.ResponseWriter, code int, text string) {
	writeJSON(w, code, map[string]string{"message": text})
}

// noUsage answers that nothing is partial or pending: sentei resolves every
// selector, and what it cannot resolve is unknown.
func noUsage(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, struct{}{})
}

func (h *Handler) usageMetrics(w http.ResponseWriter, req *http.Request) {
	values := req.URL.Query()
	match, err := nameMatcher(values.Get("mode"), values.Get("metric_name"))
	var used *bool
	if v := values.Get("used"); err == nil && v != "" {
		b, parseErr := strconv.ParseBool(v)
		used, err = &b, parseErr
	}
	if err != nil {
		usageError(w, http.StatusBadRequest, err.Error())
		return
	}
	x := h.index()
	if x == nil {
		usageError(w, http.StatusServiceUnavailable, noReport)
		return
	}
	byName := map[string][]*sentei.MetricReport{} // a name may stand in several backends
	for i := range x.Metrics {
		if m := &x.Metrics[i]; match(m.Name) {
			byName[m.Name] = append(byName[m.Name], m)
		}
	}
	out := map[string]usageEntry{}
	for name, metrics := range byName {
		e := x.usage(metrics)
		if used == nil || *used == (e.Usage != nil) {
			out[name] = e
		}
	}
	writeJSON(w, http.StatusOK, out)
}

func (h *Handler) usageMetric(w http.ResponseWriter, req *http.Request) {
	x := h.index()
	if x == nil {
		usageError(w, http.StatusServiceUnavailable, noReport)
		return
	}
	var metrics []*sentei.MetricReport
	for i := range x.Backends {
		if m := x.metrics[metricKey{x.Backends[i].Name, req.PathValue("name")}]; m != nil {
			metrics = append(metrics, m)
		}
	}
	if len(metrics) == 0 {
		usageError(w, http.StatusNotFound, "Not Found")
		return
	}
	writeJSON(w, http.StatusOK, x.usage(metrics))
}

// nameMatcher returns whether a name is asked for: fuzzy means that it has all
// the characters in their order, and is what is meant without a mode.
func nameMatcher(mode, want string) (func(name string) bool, error) {
	switch mode {
	case "", "fuzzy":
		return func(name string) bool { return hasInOrder(name, want) }, nil
	case "exact":
		return func(name string) bool { return want == "" || name == want }, nil
	case "regex":
		re, err := regexp.Compile(want)
		if err != nil {
			return nil, fmt.Errorf("metric_name: %w", err)
		}
		return re.MatchString, nil
	}
	return nil, fmt.Errorf("invalid match mode: %s. Allowed: exact, fuzzy or regex", mode)
}

func hasInOrder(name, want string) bool {
	for _, c := range name {
		first, size := utf8.DecodeRuneInString(want)
		if size == 0 {
			return true
		}
		if c == first {
			want = want[size:]
		}
	}
	return want == ""
}

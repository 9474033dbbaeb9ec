package web

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/reporttest"
)

// hostile is text that breaks out of anything that does not escape it.
const hostile = `"><script>alert(1)</script><img src=x onerror=alert(2)>' onfocus=alert(3) x='{{.}}` + "`"

// hostileReport holds the text wherever the outside can put one.
func hostileReport() *sentei.Report {
	r := reporttest.Report()
	for i := range r.Consumers {
		c := &r.Consumers[i]
		c.Name, c.Text, c.Reason = hostile, hostile, hostile
		c.Location = sentei.Location{File: hostile, Group: hostile, Dashboard: hostile, Panel: hostile, URL: "javascript:alert(4)//" + hostile}
	}
	for i := range r.Metrics {
		m := &r.Metrics[i]
		m.Help, m.Type, m.Unit = hostile, hostile, hostile
		m.Reasons = []string{hostile}
		for k := range m.Jobs {
			for l := range m.Jobs[k].Labels {
				m.Jobs[k].Labels[l].Values = []sentei.LabelValue{{Value: hostile, Series: 1}}
			}
		}
	}
	r.Metrics[0].Name = "evil/.." + hostile
	for i := range r.Proposals {
		p := &r.Proposals[i]
		p.Evidence = []sentei.Evidence{{Claim: hostile, Query: hostile}}
		p.Risk, p.Check, p.Rollback, p.Rule = hostile, hostile, hostile, hostile
		p.Place.Job, p.Place.ScrapeJob = hostile, hostile
		p.Proof = &sentei.Proof{Theorem: hostile, Readers: []sentei.ProofReader{{Consumer: r.Consumers[0].ID, Selector: hostile, Because: hostile}}}
		p.Rehearsal = &sentei.RehearsalResult{Detail: hostile, Errors: []sentei.MeasuredError{{Consumer: r.Consumers[0].ID, Expr: hostile, Detail: hostile}, {Consumer: hostile}}}
	}
	for i := range r.Problems {
		r.Problems[i].Message, r.Problems[i].Where, r.Problems[i].Hint = hostile, hostile, hostile
	}
	for i := range r.Findings {
		r.Findings[i].Message, r.Findings[i].Where, r.Findings[i].Hint = hostile, hostile, hostile
	}
	return r
}

func TestHostileTextIsEscaped(t *testing.T) {
	r := hostileReport()
	p := &r.Proposals[0]
	h := newTest(t, r, func(o *Options) {
		o.Decider = &memory{all: []sentei.Decision{{Proposal: p.ID, State: sentei.Accepted, By: hostile, Reason: hostile, At: testNow}}}
	})
	bad := regexp.MustCompile(`(?i)<script>|<img|<[a-z]+[^<>]*\son[a-z]+=`)
	values := regexp.MustCompile(`="[^"]*"`) // of attributes: what is in them is text
	query := "?q=" + strings.NewReplacer("<", "%3C", ">", "%3E", `"`, "%22", "`", "%60", " ", "+", "'", "%27", "{", "%7B", "}", "%7D").Replace(hostile)
	seen := 0
	for _, path := range []string{
		"/", "/ui/metrics", "/ui/metrics" + query, "/ui/proposals", "/ui/proposals" + query, "/" + proposalPath(p.ID), "/ui/relabel", "/ui/findings", "/ui/problems", "/ui/reports",
		"/" + metricPath(r.Metrics[0].Backend, r.Metrics[0].Name), "/" + metricPath(r.Metrics[3].Backend, r.Metrics[3].Name),
		"/" + metricPath("x", hostile), "/ui/metrics" + strings.Replace(query, "?q", "?verdict", 1),
	} {
		w := get(t, h, path)
		body := w.Body.String()
		if m := bad.FindString(values.ReplaceAllString(body, "")); m != "" || strings.Contains(body, `="javascript:`) {
			t.Errorf("%s: %q", path, m)
		}
		if strings.Contains(body, "&lt;script&gt;alert(1)") {
			seen++
		}
		if got := w.Header().Get("Content-Type"); got != "text/html; charset=utf-8" {
			t.Errorf("%s: content type %q", path, got)
		}
	}
	if seen < 10 {
		t.Errorf("only %d pages show the text", seen)
	}
	if w := get(t, h, "/"+metricPath(r.Metrics[0].Backend, r.Metrics[0].Name)); w.Code != http.StatusOK {
		t.Errorf("the page of a metric with slashes: %d", w.Code)
	}
}

func TestHeaders(t *testing.T) {
	h := newTest(t, reporttest.Report(), nil)
	inline := regexp.MustCompile(`<style|<script[^>]*>[^<]|\sstyle=|\son[a-z]+=`)
	for _, path := range []string{"/", "/ui/metrics", "/ui/proposals", "/ui/relabel", "/ui/nothing", "/api/v1/status", "/ui/static/review.css"} {
		w := get(t, h, path)
		policy := w.Header().Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, w.Header())
		}
		if m := inline.FindString(w.Body.String()); m != "" && !strings.HasPrefix(path, "/ui/static") {
			t.Errorf("%s: the policy forbids %q", path, m)
		}
	}
	page := get(t, h, "/ui/metrics").Body.String()
	css := regexp.MustCompile(`href="\.\./ui/static/(review\.css\?[0-9a-f]+)"`).FindStringSubmatch(page)
	if css == nil {
		t.Fatal("no style sheet")
	}
	if w := get(t, h, "/ui/static/"+css[1]); w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
		t.Errorf("style sheet: %d %v", w.Code, w.Header())
	}
}

// Every link of a page leads to a page, below any prefix.
func TestLinks(t *testing.T) {
	r := reporttest.Report()
	h := http.StripPrefix("/some/prefix", newTest(t, r, func(o *Options) { o.Decider = &memory{} }))
	seen := map[string]bool{}
	todo := []string{"/some/prefix/"}
	link := regexp.MustCompile(`(?:href|src)="([^"#]+)"`)
	for len(todo) > 0 && len(seen) < 400 {
		path := todo[0]
		todo = todo[1:]
		if seen[path] {
			continue
		}
		seen[path] = true
		w := get(t, h, path)
		if w.Code != http.StatusOK {
			t.Errorf("%s: %d", path, w.Code)
		}
		if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
			continue
		}
		for _, m := range link.FindAllStringSubmatch(w.Body.String(), -1) {
			target := resolve(t, path, strings.ReplaceAll(m[1], "&amp;", "&"))
			switch {
			case target == "": // leads to the user's systems
			case !strings.HasPrefix(target, "/some/prefix/"):
				t.Errorf("%s leads to %s", path, target)
			case strings.HasPrefix(target, "/some/prefix/report/"), target == "/some/prefix/metrics": // of the daemon
			default:
				todo = append(todo, target)
			}
		}
	}
	if len(seen) < 100 {
		t.Errorf("only %d pages", len(seen))
	}
}

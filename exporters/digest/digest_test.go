package digest

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/exporters/relabel"
	"github.com/sentei/sentei/exporters/report"
	"github.com/sentei/sentei/internal/changes"
	"github.com/sentei/sentei/internal/reporttest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

// week returns a report and the one of a week before: a deployment made one
// metric grow, one is new and one is gone, and somebody asks for what was
// dropped.
func week() (before, after *sentei.Report) {
	before, after = reporttest.Report(), reporttest.Report()
	before.At = after.At.Add(-7 * 24 * time.Hour)
	deployed(before, sentei.LabelValue{Value: "v1", Series: 51_000})
	deployed(after, sentei.LabelValue{Value: "v1", Series: 51_000}, sentei.LabelValue{Value: "v2|@canary", Series: 10_000})
	before.Metrics = slices.DeleteFunc(before.Metrics, func(m sentei.MetricReport) bool { return m.Name == "up" && m.Backend == "prod" })
	gone := before.Metrics[0]
	gone.Name = "old_total"
	before.Metrics = append(before.Metrics, gone)
	before.Proposals[0].ID = "replaced0000"
	done := sentei.Tracked{Proposal: after.Proposals[1], AppliedAt: after.At.Add(-36 * time.Hour)}
	for i := range 7 {
		done.Regrets = append(done.Regrets, sentei.Regret{Consumer: after.Consumers[i].ID, Selector: fmt.Sprintf("pg_%d_total", i), Since: after.At})
	}
	after.Tracked = []sentei.Tracked{done}
	for i := range after.Proposals {
		p := &after.Proposals[i]
		p.State = []sentei.State{sentei.Pending, sentei.Accepted, sentei.Rejected}[i%3]
		if p.Place.Job == "ingress-canary" || p.Place.Job == "shop-checkout" { // the backend has no such scrape jobs
			p.State = sentei.Rejected
		}
	}
	return before, after
}

// deployed gives a metric a label version with these values.
func deployed(r *sentei.Report, versions ...sentei.LabelValue) {
	m := r.Metric("prod", "http_requests_total")
	j := &m.Jobs[0]
	version := sentei.LabelStats{Name: "version", Distinct: int64(len(versions)), Values: versions, Complete: true}
	for _, v := range versions {
		version.Series += v.Series
	}
	j.Labels = append(j.Labels, version)
	j.Cost.Series, j.Cost.SeriesInSpan = version.Series, version.Series
	m.Cost = m.Metric.Cost()
	m.PerMonth = r.Settings.Prices.PerMonth(m.Cost)
}

func message(t *testing.T, in Input) string {
	t.Helper()
	m, err := New(in)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s\n\n%s\n%+v\n", m.Title, m.Text, m.Facts.Backends)
}

func TestText(t *testing.T) {
	before, after := week()
	link := "https://sentei.example.org/"
	golden(t, "first.md", message(t, Input{Name: "monday", Report: after, Link: link}))
	golden(t, "week.md", message(t, Input{Name: "monday", Report: after, Changes: changes.Between(before, after), Link: link, Note: "The last good report is 3h old: scans fail."}))
	golden(t, "nothing.md", message(t, Input{Name: "monday", Report: before, Changes: changes.Between(before, before)}))
	edge, was := after.OfBackends("edge"), before.OfBackends("edge")
	golden(t, "backend.md", message(t, Input{Name: "monday", Part: "backend edge", Report: edge, Changes: changes.Between(was, edge)}))
	shop, was := after.OfOwner("shop"), before.OfOwner("shop")
	golden(t, "owner.md", message(t, Input{Name: "monday", Part: "owner shop", Report: shop, Changes: changes.Between(was, shop)}))
	golden(t, "empty.md", message(t, Input{Name: "monday", Report: reporttest.Empty()}))
}

func TestFilesAndKey(t *testing.T) {
	before, after := week()
	var formats []report.Format
	for _, name := range []string{"markdown", "csv"} {
		f, err := report.ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		formats = append(formats, f)
	}
	in := Input{Name: "monday", Report: after, Changes: changes.Between(before, after), Formats: formats, Top: 3, Due: after.At}
	m, err := New(in)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Files) != 2 || m.Files[0].Name != "report.md" || m.Files[1].Name != "report.csv" || m.Files[1].ContentType != formats[1].ContentType {
		t.Errorf("files %+v", m.Files)
	}
	if n := bytes.Count(m.Files[1].Body, []byte("\n")); n != 4 {
		t.Errorf("%d lines of CSV, want a header and 3", n)
	}
	text := string(m.Files[0].Body)
	if changed, proposals := strings.Index(text, "## What changed"), strings.Index(text, "## Proposals"); changed < 0 || changed > proposals {
		t.Error("the file does not say first what changed")
	}
	keys := map[string]bool{m.Key: true}
	for _, other := range []Input{{Name: "friday"}, {Name: "monday", Part: "owner a"}, {Name: "monday", Due: in.Due.Add(time.Second)}} {
		other.Report = after
		if other.Due.IsZero() {
			other.Due = in.Due
		}
		o, err := New(other)
		if err != nil || keys[o.Key] {
			t.Errorf("key %s, %v", o.Key, err)
		}
		keys[o.Key] = true
	}
	if again, err := New(in); err != nil || cmp.Diff(m, again) != "" {
		t.Errorf("the same input makes another message (%v)", err)
	}
	in.Formats = []report.Format{{Write: func(io.Writer, *sentei.Report, report.Options) error { return errors.New("not finite") }}}
	if _, err := New(in); err == nil {
		t.Error("the error of a format is lost")
	}
}

func TestChanged(t *testing.T) {
	before, after := week()
	if !Changed(before, after, changes.Between(before, after)) || !Changed(nil, after, nil) {
		t.Error("changes are not seen")
	}
	same := reporttest.Report()
	if Changed(reporttest.Report(), same, changes.Between(reporttest.Report(), same)) {
		t.Error("nothing has changed")
	}
	same.Consumers = slices.DeleteFunc(same.Consumers, func(c sentei.Consumer) bool { return c.Kind == sentei.Query })
	if Changed(reporttest.Report(), same, changes.Between(reporttest.Report(), same)) {
		t.Error("logged queries come and go")
	}
	same.Tracked = after.Tracked
	if !Changed(reporttest.Report(), same, &changes.Changes{}) {
		t.Error("a regret is not seen")
	}
}

// prometheusYML has the scrape jobs of a backend.
func prometheusYML(b *sentei.Backend) []byte {
	var out bytes.Buffer
	fmt.Fprintln(&out, "scrape_configs:")
	for _, j := range b.ScrapeJobs {
		fmt.Fprintf(&out, "  - job_name: %s\n    static_configs: [{targets: [localhost]}]\n", j.Name)
	}
	return out.Bytes()
}

func TestEdits(t *testing.T) {
	_, r := week()
	i := slices.IndexFunc(r.Backends, func(b sentei.Backend) bool { return b.Name == "prod" })
	o := relabel.Options{Files: map[string]relabel.File{"prod": {Path: "prod/prometheus.yml", Content: prometheusYML(&r.Backends[i])}}}
	edits, text, err := Edits(r, r, o, sentei.Accepted)
	if err != nil || len(edits) != 1 || edits[0].Path != "prod/prometheus.yml" || bytes.Equal(edits[0].Old, edits[0].New) {
		t.Fatalf("%v, %v", edits, err)
	}
	golden(t, "edits.md", text)
	for i := range r.Proposals {
		p := &r.Proposals[i]
		if in := strings.Contains(string(edits[0].New), p.ID); in != (p.State == sentei.Accepted) {
			t.Errorf("proposal %s is %s: in the file: %v", p.ID, p.State, in)
		}
	}
	// Of an owner only what is the owner's, with the saving of all series.
	part := r.OfOwner("shop")
	edits, text, err = Edits(r, part, o, sentei.Open()...)
	if err != nil || len(edits) != 1 {
		t.Fatalf("%v, %v", edits, err)
	}
	for i := range r.Proposals {
		p := &r.Proposals[i]
		mine := slices.ContainsFunc(part.Proposals, func(o sentei.Proposal) bool { return o.ID == p.ID }) && p.State != sentei.Rejected
		if strings.Contains(text, p.ID) != mine || strings.Contains(string(edits[0].New), p.ID) != mine {
			t.Errorf("proposal %s of owner shop: want %v", p.ID, mine)
		}
	}
	if edits, text, err := Edits(r, part, o, sentei.Snoozed); edits != nil || text != "" || err != nil {
		t.Errorf("nothing is snoozed: %v, %q, %v", edits, text, err)
	}
	// Without the file, it is said what is missing.
	if edits, text, err := Edits(r, r, relabel.Options{}, sentei.Accepted); edits != nil || !strings.Contains(text, "set prometheus") || err != nil {
		t.Errorf("%v, %q, %v", edits, text, err)
	}
}

// TestNotCompared does not say that no metric has changed when some could not
// be compared.
func TestNotCompared(t *testing.T) {
	shop := reporttest.Report().OfOwner("shop")
	got := message(t, Input{Name: "monday", Part: "owner shop", Report: shop, Changes: &changes.Changes{NotCompared: 1}})
	if !strings.Contains(got, "Not compared: 1 metric,") || strings.Contains(got, "No metric has changed") {
		t.Error(got)
	}
}

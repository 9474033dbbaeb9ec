package report

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/reporttest"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

func render(t *testing.T, format string, r *sentei.Report, o Options) string {
	t.Helper()
	f, err := ByName(format)
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if err := f.Write(&buf, r, o); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

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
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got); run with -update when that is meant:\n%s", path, diff)
	}
}

func TestGolden(t *testing.T) {
	for _, f := range Formats() {
		t.Run(f.Name, func(t *testing.T) {
			golden(t, "report-"+f.Name+f.Extension, render(t, f.Name, reporttest.Report(), Options{}))
			golden(t, "unknown-"+f.Name+f.Extension, render(t, f.Name, reporttest.Unknown(), Options{Top: 5}))
			golden(t, "empty-"+f.Name+f.Extension, render(t, f.Name, reporttest.Empty(), Options{}))
		})
	}
}

func TestGoldenOfOptions(t *testing.T) {
	golden(t, "color.txt", render(t, "table", reporttest.Report(), Options{Top: 6, Color: true}))
	for _, width := range []int{80, 100, 120, 160} {
		golden(t, fmt.Sprintf("width-%d.txt", width), render(t, "table", grownReport(), Options{Top: 6, Width: width}))
	}
	for _, by := range Bys()[1:] {
		golden(t, "by-"+string(by)+".txt", render(t, "table", reporttest.Report(), Options{Top: 6, By: by}))
	}
	for _, by := range Bys()[1:] {
		golden(t, "by-"+string(by)+".csv", render(t, "csv", reporttest.Report(), Options{By: by, Top: 5}))
	}
	for _, by := range []By{ByMetric, ByJob, ByNamespace} {
		o := Options{By: by, MergeBackends: true}
		golden(t, "merged-"+string(by)+".csv", render(t, "csv", grownReport(), o))
		o.Top = 30
		golden(t, "merged-"+string(by)+".txt", render(t, "table", grownReport(), o))
		golden(t, "merged-"+string(by)+".md", render(t, "markdown", grownReport(), o))
	}
	golden(t, "one-backend.txt", render(t, "table", reporttest.Report().OfBackends("edge"), Options{}))
	golden(t, "one-owner.txt", render(t, "table", reporttest.Report().OfOwner("platform"), Options{}))
	golden(t, "growth.txt", render(t, "table", grownReport(), Options{Top: 6}))
}

// grownReport has growth since the day before.
func grownReport() *sentei.Report {
	grown, before := reporttest.Report(), reporttest.Report()
	before.At = before.At.Add(-24 * time.Hour)
	for i := range before.Metrics {
		before.Metrics[i].Cost.Series = before.Metrics[i].Cost.Series * int64(i%3+8) / 9
	}
	grown.SetGrowth(before)
	return grown
}

func TestEveryFormatIsOneFile(t *testing.T) {
	for _, f := range Formats() {
		if _, err := os.Stat(f.Name + ".go"); err != nil {
			t.Errorf("format %s: %v", f.Name, err)
		}
		if f.Title == "" || f.Extension == "" || f.ContentType == "" {
			t.Errorf("format %s is not described in full", f.Name)
		}
	}
}

func TestByNameListsTheValidNames(t *testing.T) {
	_, err := ByName("pdf")
	want := `unknown report format "pdf": use one of table, wide, markdown, json, csv, html, mimirtool`
	if err == nil || err.Error() != want {
		t.Errorf("ByName(pdf) = %v, want %s", err, want)
	}
}

func TestWriteErrorsAreReturned(t *testing.T) {
	for _, f := range Formats() {
		if err := f.Write(full{}, reporttest.Report(), Options{}); err == nil || !strings.Contains(err.Error(), "disk full") {
			t.Errorf("format %s swallows the error of the writer: %v", f.Name, err)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

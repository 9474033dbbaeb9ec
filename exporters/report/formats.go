// Package report writes a sentei.Report for people and programs, one file a
// format. In goes the report; out come bytes that depend on the report and the
// Options alone.
package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/changes"
	"github.com/sentei/sentei/internal/store"
)

// Format is one way to write a report.
type Format struct {
	Name        string // what the user asks for, as in sentei report -o NAME
	Extension   string // of files, with the dot
	ContentType string // of HTTP responses
	Title       string // one line of help
	// Top is the number of metrics that suits the format, for callers whose
	// user has not asked for one. 0 means all.
	Top int
	// Lists says that the format knows Options.By; the others hold metrics.
	Lists bool
	// Write writes the whole report. It fails when w does, and in the JSON
	// format when a number of the report is not finite.
	Write func(w io.Writer, r *sentei.Report, o Options) error
}

// Options are what a caller may choose about the form.
type Options struct {
	// Top is the number of metrics to list, the most expensive first, and of
	// proposals of each grade; 0 means all. What is left out is summed up, but
	// for CSV. JSON has always all.
	Top int
	// By says what the formats that list something do list; empty means
	// ByMetric.
	By By
	// MergeBackends adds up what has the same name in several backends, but for
	// ByBackend. ByLabel does so in any case.
	MergeBackends bool
	// Changes is what happened since an earlier report. All formats but CSV say
	// it; those for people say it first. Nil when there is no earlier report.
	Changes *changes.Changes
	// Trend is the kept reports, the newest first, of the backends that the
	// report is of. HTML draws how they developed; nil without a store.
	Trend []store.ReportInfo
	// Color allows ANSI colors in table and wide.
	Color bool
	// Width is the width of the terminal in columns, for table and wide. They
	// shorten explanations to fit, never names or numbers. 0 means unlimited.
	Width int
}

// Formats lists every format, in the order of the documentation.
func Formats() []Format {
	return []Format{tableFormat, wideFormat, markdownFormat, jsonFormat, csvFormat, htmlFormat, mimirtoolFormat}
}

// ByName returns the format with the name. The error of an unknown name lists
// the valid ones.
func ByName(name string) (Format, error) {
	var names []string
	for _, f := range Formats() {
		if f.Name == name {
			return f, nil
		}
		names = append(names, f.Name)
	}
	return Format{}, fmt.Errorf("unknown report format %q: use one of %s", name, strings.Join(names, ", "))
}

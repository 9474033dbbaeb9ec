package report

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/changes"
)

var jsonFormat = Format{
	Name:        "json",
	Extension:   ".json",
	ContentType: "application/json",
	Title:       "everything, for programs (version 1)",
	Write:       writeJSON,
}

// writeJSON writes the report itself. Its "version" is sentei.ReportVersion,
// now 1: within a version fields are added, but none changes its meaning or
// goes. The lists of the report itself are never null. Durations are in
// nanoseconds where the field says _ns; money is in settings.prices.currency.
func writeJSON(w io.Writer, r *sentei.Report, o Options) error {
	out := struct {
		sentei.Report
		// BackendTotals has one entry a backend, and last the sum of all; it is
		// left out when there is only one backend.
		BackendTotals []backendTotal `json:"backend_totals,omitempty"`
		// Changes is what happened since an earlier report; left out without.
		Changes *changes.Changes `json:"changes,omitempty"`
	}{*r, newView(r).backendTotals(), o.Changes}
	out.Backends = listed(out.Backends)
	out.Metrics = listed(out.Metrics)
	out.Consumers = listed(out.Consumers)
	out.Proposals = listed(out.Proposals)
	out.Sources = listed(out.Sources)
	out.Problems = listed(out.Problems)
	out.Findings = listed(out.Findings)
	out.Tracked = listed(out.Tracked)

	e := json.NewEncoder(w)
	e.SetEscapeHTML(false) // expressions stay readable: > and not \u003e
	e.SetIndent("", "  ")
	if err := e.Encode(out); err != nil {
		return fmt.Errorf("write JSON report: %w", err)
	}
	return nil
}

func listed[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

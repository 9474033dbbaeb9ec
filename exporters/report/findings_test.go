package report

import (
	"strings"
	"testing"

	"github.com/sentei/sentei/internal/reporttest"
)

// TestFindings wants the findings in every format for people, and no section
// where there are none.
func TestFindings(t *testing.T) {
	for _, format := range []string{"table", "wide", "markdown", "html"} {
		got := render(t, format, reporttest.Report(), Options{})
		for _, want := range []string{"Findings", "3 targets are scraped by both", "7.80 EUR/month, 1,200 series", "Keep one of the two."} {
			if !strings.Contains(got, want) {
				t.Errorf("%s does not say %q", format, want)
			}
		}
		if got := render(t, format, reporttest.Empty(), Options{}); strings.Contains(got, "Findings") {
			t.Errorf("%s shows findings where there are none", format)
		}
	}
}

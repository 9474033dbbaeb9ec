package report

import (
	"strings"
	"testing"
	"time"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/reporttest"
)

// TestTracked wants what came of proposals in every format for people, and no
// section where there is nothing.
func TestTracked(t *testing.T) {
	r := reporttest.Report()
	done := sentei.Tracked{Proposal: r.Proposals[0], AppliedAt: r.At.Add(-36 * time.Hour)}
	done.State, done.Saving, done.Realised = sentei.Regretted, sentei.Cost{Series: 2000}, sentei.Cost{Series: 1900}
	for range 7 {
		done.Regrets = append(done.Regrets, sentei.Regret{Consumer: r.Consumers[0].ID, Selector: "{x}", Since: r.At})
	}
	done.Regrets[1].Consumer = "gone"
	done.Note = "100 series are still there"
	r.Tracked = []sentei.Tracked{done}
	for _, format := range []string{"table", "wide", "markdown", "html"} {
		got := render(t, format, r, Options{})
		for _, want := range []string{
			"Carried out", done.ID, "regretted, seen 2026-11-19 00:00 UTC", "2,000 series", "1,900 series", "100 series are still there",
			r.Consumers[0].Name, "a consumer gone asks", "and 2 more consumers",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("%s does not say %q", format, want)
			}
		}
		if got := render(t, format, reporttest.Report(), Options{}); strings.Contains(got, "Carried out") {
			t.Errorf("%s shows what was carried out where nothing was", format)
		}
	}
}

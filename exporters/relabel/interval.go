package relabel

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/yamledit"
)

// intervalAddition sets the scrape interval of a proposal, with comments that
// explain it.
func intervalAddition(r *sentei.Report, p *sentei.Proposal) yamledit.Addition {
	var comments strings.Builder
	for _, line := range intervalComments(r, p) {
		fmt.Fprintf(&comments, "# %s\n", line)
	}
	return yamledit.Addition{Job: p.Place.ScrapeJob, Items: comments.String(), Interval: model.Duration(p.Action.Interval).String()}
}

func intervalComments(r *sentei.Report, p *sentei.Proposal) []string {
	return []string{
		fmt.Sprintf("sentei %s: scrapes less often, %s.", r.At.UTC().Format("2006-01-02"), saving(r, []sentei.Proposal{*p})),
		fmt.Sprintf("No reader needs a shorter interval (grade %s). Proposal: %s", p.Grade, p.ID),
	}
}

// scrapeIntervals returns comments that say which intervals are to be set, for
// a page that holds relabel rules; "" when there are none.
func scrapeIntervals(r *sentei.Report, b *sentei.Backend) string {
	var proposals []*sentei.Proposal
	for i := range r.Proposals {
		if p := &r.Proposals[i]; p.Place.Backend == b.Name && p.Action.Kind == sentei.SetInterval {
			proposals = append(proposals, p)
		}
	}
	if len(proposals) == 0 {
		return ""
	}
	slices.SortFunc(proposals, func(x, y *sentei.Proposal) int {
		return cmp.Or(cmp.Compare(x.Place.ScrapeJob, y.Place.ScrapeJob), cmp.Compare(x.ID, y.ID))
	})
	var out strings.Builder
	fmt.Fprintf(&out, "# To set at scrape jobs of backend %s; the dialect diff does it.\n", printable(b.Name))
	for _, p := range proposals {
		fmt.Fprintf(&out, "#   - job_name: %s\n#     scrape_interval: %s\n", printable(quote(p.Place.ScrapeJob)), model.Duration(p.Action.Interval))
		for _, line := range intervalComments(r, p) {
			fmt.Fprintf(&out, "#     # %s\n", line)
		}
	}
	return out.String()
}

package relabel

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
)

// comments says what the rule does, what it saves and why it is right.
func (r *rule) comments(report *sentei.Report, plan *jobPlan) []string {
	lines := []string{
		fmt.Sprintf("sentei %s: %s, %s.", report.At.UTC().Format("2006-01-02"), r.does(), saving(report, r.proposals)),
		fmt.Sprintf("%s (grade %s). Proposals:", r.because(report, plan.backend.Name), r.grade),
	}
	for proposals := range slices.Chunk(r.proposals, idsPerLine) {
		var ids []string
		for _, p := range proposals {
			ids = append(ids, p.ID)
		}
		lines = append(lines, strings.Join(ids, " "))
	}
	return lines
}

// idsPerLine is how many identifiers stand on a line of comments.
const idsPerLine = 7

// does says what the rule does.
func (r *rule) does() string {
	metrics := "1 metric"
	if n := len(r.metrics()); n > 1 {
		metrics = fmt.Sprintf("%d metrics", n)
	}
	if r.all {
		metrics = "all metrics"
	}
	if r.job != "" {
		metrics += fmt.Sprintf(" of job %s", printable(r.job))
	}
	switch r.kind {
	case sentei.DropValues:
		values := "a value"
		if n := len(r.proposals[0].Action.Values); n > 1 {
			values = fmt.Sprintf("%d values", n)
		}
		return fmt.Sprintf("drops the series of %s with %s of %s that nobody reads", metrics, values, printable(r.label))
	case sentei.StripLabel:
		return fmt.Sprintf("takes the label %s, which nobody reads, off %s", printable(r.label), metrics)
	}
	return fmt.Sprintf("drops %s that nobody reads", metrics)
}

// because says why nobody notices.
func (r *rule) because(report *sentei.Report, backend string) string {
	n := consumers(report, backend)
	switch r.kind {
	case sentei.DropValues:
		return fmt.Sprintf("Of %d consumers, all that read them refuse these values", n)
	case sentei.StripLabel:
		return fmt.Sprintf("None of %d consumers needs the label, and no two stored series become equal without it", n)
	}
	return fmt.Sprintf("None of %d consumers can select a series of them", n)
}

// saving returns what the proposals save, in words.
func saving(r *sentei.Report, proposals []sentei.Proposal) string {
	var cost sentei.Cost
	var perMonth float64
	for i := range proposals {
		cost = cost.Plus(proposals[i].Saving)
		perMonth += proposals[i].SavingPerMonth
	}
	if cost == (sentei.Cost{}) {
		return "the saving is counted at another scrape job"
	}
	return "saves " + relabeling.Saving(cost, perMonth, printable(r.Settings.Prices.Currency))
}

// consumers counts those that are not dead.
func consumers(r *sentei.Report, backend string) int {
	n := 0
	for i := range r.Consumers {
		if c := &r.Consumers[i]; c.Backend == backend && !c.Dead {
			n++
		}
	}
	return n
}

// printable returns the text for a comment: as it is, or quoted in Go's way
// if it could end the line or confuse a reader.
func printable(s string) string {
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return fmt.Sprintf("%+q", s)
		}
	}
	return s
}

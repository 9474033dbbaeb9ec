package report

import (
	"fmt"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/number"
	"github.com/sentei/sentei/internal/relabeling"
)

// trackedPlace names a proposal that was carried out.
func trackedPlace(t *sentei.Tracked) string {
	return t.Place.Backend + "/" + t.ID + ", " + relabeling.Title(&t.Proposal)
}

// trackedText says where it stands, what it promised and what came of it, and
// what is not seen.
func (v *view) trackedText(t *sentei.Tracked) string {
	s := fmt.Sprintf("%s, seen %s; promised %s; realised %s",
		t.State, t.AppliedAt.UTC().Format("2006-01-02 15:04 UTC"), v.saved(t.Saving, t.SavingPerMonth), v.saved(t.Realised, t.RealisedPerMonth))
	if t.Note != "" {
		s += "; " + t.Note
	}
	return s
}

// regretTexts says who asks for what is gone; the first few.
func (v *view) regretTexts(t *sentei.Tracked) []string {
	const most = 5
	var out []string
	for i, g := range t.Regrets {
		if i == most {
			return append(out, "and "+number.Plural(len(t.Regrets)-most, "more consumer"))
		}
		who := "a consumer " + g.Consumer
		if c := v.consumers[g.Consumer]; c != nil {
			who = fmt.Sprintf("%s %q", c.Kind, c.Name)
			if where := c.Location.String(); where != "" {
				who += " (" + where + ")"
			}
		}
		out = append(out, fmt.Sprintf("%s asks for what is gone, %s, since %s", who, g.Selector, g.Since.UTC().Format("2006-01-02 15:04 UTC")))
	}
	return out
}

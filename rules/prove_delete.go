package rules

import (
	"fmt"

	"github.com/sentei/sentei"
)

// proveDelete goes through the rules that the proposal deletes and returns why
// one of them must stay, or "".
func (x *index) proveDelete(p *sentei.Proposal) string {
	if len(p.Action.Rules) == 0 {
		return "no rule is named"
	}
	for _, id := range p.Action.Rules {
		c := x.consumers[id]
		switch {
		case c == nil:
			return fmt.Sprintf("there is no consumer %s", id)
		case c.Kind != sentei.RecordingRule || c.Backend != p.Place.Backend:
			return describe(c) + " is no recording rule of the backend"
		case c.Records == "" || c.Records != p.Action.Metric:
			return fmt.Sprintf("%s does not record %s", describe(c), p.Action.Metric)
		case !c.Dead:
			return describe(c) + " has an audience"
		}
		if reader := x.readerOf(c); reader != nil {
			return fmt.Sprintf("%s may read what %s records", describe(reader), describe(c))
		}
	}
	return ""
}

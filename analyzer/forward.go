package analyzer

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sentei/sentei"
)

// forwardProblems makes a blocking problem of every receiver that the samples
// of the backend are also sent to: there may be readers there that no source
// of this backend sees.
func forwardProblems(inv *sentei.Inventory) []sentei.Problem {
	var problems []sentei.Problem
	for _, receiver := range inv.RemoteWrite {
		message := fmt.Sprintf("samples are also sent to %s by remote_write: who reads them there?", receiver)
		problems = append(problems, sentei.Problem{
			ID:      sentei.HashID("remote write", inv.Backend, receiver),
			Backend: inv.Backend, Message: message,
			Hint:     "name the rules, dashboards and query logs that read there among the usage sources of this backend, then accept the problem by its id",
			Blocking: true,
		})
	}
	return problems
}

// assumedProblems tells of scrape jobs that no configuration shows. Proposals
// for all jobs take into account that they may bring any job label.
func assumedProblems(inv *sentei.Inventory) []sentei.Problem {
	var names []string
	for i := range inv.ScrapeJobs {
		if inv.ScrapeJobs[i].Assumed {
			names = append(names, inv.ScrapeJobs[i].Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	message := "the configuration that was read does not show all scrape jobs: it is not known whether those honor labels, so that is assumed"
	return []sentei.Problem{{
		ID:      sentei.HashID("assumed", inv.Backend, message),
		Backend: inv.Backend, Message: message,
		Hint: fmt.Sprintf("set prometheus_config to your prometheus.yml, beside the files of its scrape_config_files; this is about %s", strings.Join(names, ", ")),
	}}
}

// acceptedInVain tells of problems that the configuration accepts and that are
// not there: they are gone, or the identifier is wrong.
func acceptedInVain(problems []sentei.Problem, accepted map[string]string) []sentei.Problem {
	var vain []sentei.Problem
	for _, id := range slices.Sorted(maps.Keys(accepted)) {
		if slices.ContainsFunc(problems, func(p sentei.Problem) bool { return p.ID == id }) {
			continue
		}
		vain = append(vain, sentei.Problem{
			ID:      sentei.HashID("accepted in vain", id),
			Message: fmt.Sprintf("accepted_problems names %s, which is not among the problems", id),
			Hint:    "take it out: the problem is gone, or the id is wrong",
		})
	}
	return vain
}

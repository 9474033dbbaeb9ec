package daemon

import (
	"github.com/sentei/sentei"
	"github.com/sentei/sentei/exporters/relabel"
	"github.com/sentei/sentei/internal/config"
)

// OpenProposals returns the report with the proposals that relabel
// configuration is written for: with a store those that are not decided
// against. The remark says so above them.
func OpenProposals(r *sentei.Report, c *config.Config) (open *sentei.Report, remark string) {
	if c.Store.Path == "" {
		return r, ""
	}
	return inStates(r, sentei.Open()...)
}

func inStates(r *sentei.Report, states ...sentei.State) (*sentei.Report, string) {
	of, left := r.InStates(states...)
	return of, relabel.Remark(states, left)
}

// forOutput returns the report with the proposals that files of relabel
// configuration are written for.
func forOutput(r *sentei.Report, c *config.Config) (*sentei.Report, string) {
	if c.Output.RelabelState == config.OnlyAccepted {
		return inStates(r, sentei.Accepted)
	}
	return OpenProposals(r, c)
}

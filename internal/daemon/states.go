package daemon

import (
	"fmt"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/config"
)

// OpenProposals returns the report with the proposals that relabel
// configuration is written for: with a store those that are not decided
// against. The remark says so above them.
func OpenProposals(r *sentei.Report, c *config.Config) (open *sentei.Report, remark string) {
	if c.Store.Path == "" {
		return r, ""
	}
	open, left := r.InStates(sentei.Open()...)
	return open, "Proposals that are pending or accepted" + LeftOut(left) + "."
}

// LeftOut says how many proposals are left out, by state; "" for none.
func LeftOut(left map[sentei.State]int) string {
	var parts []string
	for _, s := range sentei.States() {
		if n := left[s]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "; left out: " + strings.Join(parts, ", ")
}

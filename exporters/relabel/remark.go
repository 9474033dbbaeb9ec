package relabel

import (
	"strings"

	"github.com/sentei/sentei"
)

// Remark is the sentence for Options.Remark about a report that has only the
// proposals in some states: which, and how many of others are left out, as
// sentei.Report.InStates counts them.
func Remark(states []sentei.State, left map[sentei.State]int) string {
	names := make([]string, len(states))
	for i, s := range states {
		names[i] = string(s)
	}
	text := "Proposals that are " + strings.Join(names, " or ")
	if others := sentei.CountStates(left); others != "" {
		text += "; left out: " + others
	}
	return text + "."
}

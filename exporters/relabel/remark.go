package relabel

import (
	"fmt"
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
	var others []string
	for _, s := range sentei.States() {
		if n := left[s]; n > 0 {
			others = append(others, fmt.Sprintf("%d %s", n, s))
		}
	}
	text := "Proposals that are " + strings.Join(names, " or ")
	if len(others) > 0 {
		text += "; left out: " + strings.Join(others, ", ")
	}
	return text + "."
}

package relabel

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/yamledit"
)

// ruleFilesDiff returns the diffs that delete recording rules of the backend,
// and comments for those that are not in files known here or that cannot be
// taken out by removing lines.
func ruleFilesDiff(r *sentei.Report, b *sentei.Backend, files map[string]File) string {
	dead := deletionsByFile(r, b, files)
	var out strings.Builder
	left := map[[2]string]bool{} // by file and metric
	for _, name := range slices.Sorted(maps.Keys(dead)) {
		file, list := files[name], dead[name]
		diff, skipped := ruleFileDiff(file, list)
		fmt.Fprintf(&out, "# Backend %s, %s: recording rules that nobody reads.\n", printable(b.Name), printable(file.Path))
		for _, s := range skipped {
			fmt.Fprintf(&out, "#   not in this diff: %s\n", printable(s.Error()))
			left[[2]string{name, s.Record}] = true
		}
		out.WriteString(diff)
	}
	done := map[string]bool{} // identifiers of the proposals that the diffs carry out
	for i := range r.Proposals {
		id, all := r.Proposals[i].ID, true
		rulesInFiles(r, b, files, &r.Proposals[i], func(name string, d yamledit.Deletion) {
			all = all && !left[[2]string{name, d.Record}]
			done[id] = all
		})
	}
	return out.String() + deletions(r, b, done)
}

// deletionsByFile returns what proposals for the backend delete from its rule
// files, in the order of the lines.
func deletionsByFile(r *sentei.Report, b *sentei.Backend, files map[string]File) map[string][]yamledit.Deletion {
	dead := map[string][]yamledit.Deletion{}
	for i := range r.Proposals {
		rulesInFiles(r, b, files, &r.Proposals[i], func(name string, d yamledit.Deletion) { dead[name] = append(dead[name], d) })
	}
	for _, list := range dead {
		slices.SortFunc(list, func(a, b yamledit.Deletion) int { return a.Line - b.Line })
	}
	return dead
}

// rulesInFiles calls f for each recording rule that a proposal deletes from one
// of the files.
func rulesInFiles(r *sentei.Report, b *sentei.Backend, files map[string]File, p *sentei.Proposal, f func(name string, d yamledit.Deletion)) {
	if p.Place.Backend != b.Name || p.Action.Kind != sentei.DeleteRules {
		return
	}
	for _, id := range p.Action.Rules {
		if c := r.Consumer(id); c != nil {
			if _, ok := files[c.Location.File]; ok {
				f(c.Location.File, yamledit.Deletion{Record: c.Records, Line: c.Location.Line})
			}
		}
	}
}

// ruleFileDiff returns the diff of one rule file, and what it leaves out.
func ruleFileDiff(file File, list []yamledit.Deletion) (string, []yamledit.Skipped) {
	patch, err := yamledit.Delete(file.Content, list)
	var diff string
	if err == nil {
		diff, err = patch.Diff(file.Path)
	}
	if err == nil {
		return diff, patch.Skipped
	}
	var skipped []yamledit.Skipped
	for _, d := range list {
		skipped = append(skipped, yamledit.Skipped{Record: d.Record, Line: d.Line, Reason: err.Error()})
	}
	return "", skipped
}

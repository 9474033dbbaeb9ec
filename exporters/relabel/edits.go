package relabel

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
	"github.com/sentei/sentei/internal/yamledit"
)

// Edit is a file of the user as the proposals would have it.
type Edit struct {
	Path     string // as in the options
	Backend  string // that the file belongs to
	Old, New []byte
}

// Edits returns the files that the proposals of a report change, sorted by
// path, and what could not be done to them: the same as the dialect diff. A
// backend of which no file is known is said to be left out.
func Edits(r *sentei.Report, o Options) (edits []Edit, left []string, err error) {
	var errs []error
	for i := range r.Backends {
		b := &r.Backends[i]
		more, skipped, err := backendEdits(r, b, o)
		edits, left, errs = append(edits, more...), append(left, skipped...), append(errs, err)
	}
	slices.SortStableFunc(edits, func(a, b Edit) int { return cmp.Compare(a.Path, b.Path) })
	edits, same := distinct(edits)
	return edits, append(left, same...), errors.Join(errs...)
}

// distinct leaves out edits of which several have one path: only one of them
// could be made.
func distinct(edits []Edit) (out []Edit, left []string) {
	for i := 0; i < len(edits); {
		n := 1
		for i+n < len(edits) && edits[i+n].Path == edits[i].Path {
			n++
		}
		if n == 1 {
			out = append(out, edits[i])
		} else {
			left = append(left, fmt.Sprintf("%s: %d backends have a file of this name, or share one: give paths relative to the configuration file", edits[i].Path, n))
		}
		i += n
	}
	return out, left
}

func backendEdits(r *sentei.Report, b *sentei.Backend, o Options) (out []Edit, left []string, err error) {
	add := func(path string, p *yamledit.Patch) {
		for _, s := range p.Skipped {
			left = append(left, fmt.Sprintf("%s: %s", path, s.Error()))
		}
		if !bytes.Equal(p.Original, p.Result) {
			out = append(out, Edit{path, b.Name, p.Original, p.Result})
		}
	}
	here := func(p sentei.Proposal) bool { return p.Place.Backend == b.Name && edits(&p) }
	switch file, known := o.Files[b.Name]; {
	case !slices.ContainsFunc(r.Proposals, here):
	case !known:
		left = append(left, fmt.Sprintf("backend %s: its prometheus.yml is not known: set prometheus_config", b.Name))
	default:
		patches, err := Apply(r, b.Name, file, o.Included[b.Name]...)
		if err != nil {
			return nil, nil, err
		}
		for i := range patches {
			add(patches[i].Path, patches[i].Patch)
		}
	}
	files := o.RuleFiles[b.Name]
	left = append(left, inNoFile(r, b, files)...)
	dead := deletionsByFile(r, b, files)
	for _, name := range slices.Sorted(maps.Keys(dead)) {
		patch, err := yamledit.Delete(files[name].Content, dead[name])
		if err != nil {
			left = append(left, fmt.Sprintf("%s: %v", files[name].Path, err))
			continue
		}
		add(files[name].Path, patch)
	}
	return out, left, nil
}

// inNoFile says which proposals for the backend no edit carries out.
func inNoFile(r *sentei.Report, b *sentei.Backend, files map[string]File) []string {
	var out []string
	for i := range r.Proposals {
		p := &r.Proposals[i]
		reason := noRelabelRule(p)
		if p.Place.Backend != b.Name || reason == "" || edits(p) {
			continue
		}
		if p.Action.Kind == sentei.DeleteRules {
			found := 0
			rulesInFiles(r, b, files, p, func(string, yamledit.Deletion) { found++ })
			if found == len(p.Action.Rules) {
				continue
			}
			reason = "its recording rules are in no rule file that is known here"
		}
		out = append(out, fmt.Sprintf("%s, %s: %s", p.ID, relabeling.Title(p), reason))
	}
	return out
}

package relabel

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/relabel"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promconfig"
	"github.com/sentei/sentei/internal/relabeling"
	"github.com/sentei/sentei/internal/yamledit"
)

var diffDialect = Dialect{
	Name: "diff", Extension: "diff",
	Doc: sentei.Doc{
		Title: "a diff of your own prometheus.yml that adds lines and sets intervals, and of your rule files, for git apply or patch -p1",
		Text: `Set ` + "`prometheus_config`" + ` at each backend to its ` + "`prometheus.yml`" + `. The diff adds the rules of the dialect prometheus to it and
changes no other line: comments, order and layout stay. Rules that the file has already are left out, so a diff that was
applied and not deployed yet does not come again. A job in a file of scrape_config_files gets its rules there: the diff then
has a part for each file.

A job whose rules cannot be added, for example behind a YAML alias, is named in a comment above the diff, with the reason.
git apply and patch skip the comments. What is to be cut at remote write is added to the entry of remote_write in the same way.
A longer scrape_interval is set in the place of the job's own one, or below its name when it has none.

Recording rules to delete are taken out of the rule files of the source rule_files, with the comments right above them and
no other line; a group goes with its last rule. Every result is read back, by Prometheus's own parser of rule files where that
takes the file. A rule that shares lines with something else stays and is named in a comment.`,
		Example: `+      - source_labels: [__name__]`,
	},
	Write: writeDiff,
}

// writeDiff writes the diffs of the files of all backends with proposals. What
// cannot be added to a file is said in comments above, which git apply and
// patch skip.
func writeDiff(w io.Writer, r *sentei.Report, o Options) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "# Made by sentei from its report of %s.\n", r.At.UTC().Format(time.RFC3339))
	if o.Remark != "" {
		fmt.Fprintf(&out, "# %s\n", o.Remark)
	}
	if len(r.Proposals) == 0 {
		fmt.Fprint(&out, "# Nothing is proposed.\n")
	}
	if err := checkProposals(r); err != nil {
		return err
	}
	var left leftOut
	for i := range r.Proposals {
		p := &r.Proposals[i]
		if reason := noRelabelRule(p); reason != "" && !edits(p) && p.Action.Kind != sentei.DeleteRules {
			left.add(reason, p.ID)
		}
	}
	for _, line := range left.lines() {
		fmt.Fprintf(&out, "# %s\n", line)
	}
	var errs []error
	for i := range r.Backends {
		b := &r.Backends[i]
		text, err := backendDiff(r, b, o)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out.WriteString(text)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	_, err := out.WriteTo(w)
	return err
}

// backendDiff returns the diffs of the files of one backend.
func backendDiff(r *sentei.Report, b *sentei.Backend, o Options) (string, error) {
	of := func(want func(*sentei.Proposal) bool) bool {
		return slices.ContainsFunc(r.Proposals, func(p sentei.Proposal) bool { return p.Place.Backend == b.Name && want(&p) })
	}
	var out string
	if of(edits) {
		file, ok := o.Files[b.Name]
		if !ok {
			return "", fmt.Errorf("write the diff: the prometheus.yml of backend %s is not known: set prometheus_config", b.Name)
		}
		text, err := fileDiffs(r, b, file, o.Included[b.Name])
		if err != nil {
			return "", err
		}
		out = text
	}
	return out + ruleFilesDiff(r, b, o.RuleFiles[b.Name]), nil
}

// fileDiffs returns the diffs of the prometheus.yml and of the files of its
// scrape_config_files that there is something to say of.
func fileDiffs(r *sentei.Report, b *sentei.Backend, file File, included []promconfig.File) (string, error) {
	patches, err := Apply(r, b.Name, file, included...)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for i := range patches {
		p := &patches[i]
		if i > 0 && p.Present == 0 && bytes.Equal(p.Original, p.Result) && len(p.Skipped) == 0 {
			continue
		}
		text, err := p.text(b)
		if err != nil {
			return "", err
		}
		out.WriteString(text)
	}
	return out.String(), nil
}

// text returns the diff with comments above.
func (patch *Patch) text(b *sentei.Backend) (string, error) {
	diff, err := patch.Diff(patch.Path)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	fmt.Fprintf(&out, "# Backend %s, %s.\n", printable(b.Name), printable(patch.Path))
	if patch.Present > 0 {
		fmt.Fprintf(&out, "# The file has rules already for %d of the proposals; they are left out.\n", patch.Present)
	}
	if len(patch.Skipped) > 0 {
		fmt.Fprint(&out, "# Not in this diff; sentei propose -o prometheus shows these rules:\n")
	}
	for _, s := range patch.Skipped {
		fmt.Fprintf(&out, "#   %s\n", printable(s.Error()))
	}
	if diff == "" && len(patch.Skipped) == 0 {
		fmt.Fprint(&out, "# Nothing is to be added.\n")
	}
	return out.String() + diff, nil
}

// Patch is a configuration file with the rules of the proposals added.
type Patch struct {
	*yamledit.Patch
	Path string // of the file
	// Present is how many proposals the rules of the file carry out already:
	// after an earlier patch that is not deployed yet.
	Present int
}

// Apply adds the rules of all proposals for a backend to its prometheus.yml
// and to the files of its scrape_config_files, each to the file that holds the
// job. There is one patch for each file, in the same order. Jobs whose rules
// cannot be added are in Patch.Skipped, with the reason.
func Apply(r *sentei.Report, backend string, file File, included ...promconfig.File) ([]Patch, error) {
	i := slices.IndexFunc(r.Backends, func(b sentei.Backend) bool { return b.Name == backend })
	if i < 0 {
		return nil, fmt.Errorf("patch %s: there is no backend %q", file.Path, backend)
	}
	read, err := promconfig.ReadRelabeling(file.Content, included...)
	if err != nil {
		return nil, fmt.Errorf("patch %s: %w", file.Path, err)
	}
	effects, err := promconfig.ReadEffects(file.Content, included...)
	if err != nil {
		return nil, fmt.Errorf("patch %s: %w", file.Path, err)
	}
	existing := existingRules(read)
	if err := checkProposals(r); err != nil {
		return nil, err
	}
	missing := slices.DeleteFunc(slices.Clone(r.Proposals), func(p sentei.Proposal) bool {
		if p.Action.Kind == sentei.SetInterval && p.Place.Backend == backend {
			return effects.Jobs[p.Place.ScrapeJob].Interval >= p.Action.Interval // never a shorter one
		}
		return p.Place.Backend != backend || !edits(&p) || relabeling.Present(existing[entryOf(&p.Place)], &p)
	})
	remote := slices.DeleteFunc(slices.Clone(missing), func(p sentei.Proposal) bool { return !remotes(&p) })
	plans, err := plan(r, &r.Backends[i], slices.DeleteFunc(slices.Clone(missing), func(p sentei.Proposal) bool { return !relabels(&p) }))
	if err != nil {
		return nil, err
	}
	remotePlans, err := remotePlans(r, &r.Backends[i], remote)
	if err != nil {
		return nil, err
	}
	holder := map[string]string{} // the file of each job that is not in prometheus.yml
	for _, job := range read.Jobs {
		holder[job.Name] = job.File
	}
	additions := map[string][]yamledit.Addition{} // by file
	for i := range plans {
		p := &plans[i]
		items := p.items(r, promItem)
		rules, err := decodeItems(items)
		if err != nil {
			return nil, err
		}
		if err := p.check(len(rules), byPrometheus(rules)); err != nil {
			return nil, err
		}
		in := holder[p.scrapeJob.Name]
		additions[in] = append(additions[in], yamledit.Addition{Job: p.scrapeJob.Name, Items: items})
	}
	for i := range missing {
		if p := &missing[i]; p.Action.Kind == sentei.SetInterval {
			in := holder[p.Place.ScrapeJob]
			additions[in] = append(additions[in], intervalAddition(r, p))
		}
	}
	for i := range remotePlans {
		p := &remotePlans[i]
		items := p.items(r, promItem)
		rules, err := decodeItems(items)
		if err != nil {
			return nil, err
		}
		if err := p.check(r, rules); err != nil {
			return nil, err
		}
		additions[""] = append(additions[""], yamledit.Addition{RemoteWrite: p.entry, Items: items})
	}
	present := map[string]int{} // by file
	for i := range r.Proposals {
		if p := &r.Proposals[i]; p.Place.Backend == backend && edits(p) {
			present[holder[p.Place.ScrapeJob]]++
		}
	}
	for i := range missing {
		present[holder[missing[i].Place.ScrapeJob]]--
	}
	patch, err := yamledit.Append(file.Content, additions[""])
	if err != nil {
		return nil, fmt.Errorf("patch %s: %w", file.Path, err)
	}
	out := []Patch{{Patch: patch, Path: file.Path, Present: present[""]}}
	for _, in := range included {
		out = append(out, Patch{Patch: appendIncluded(in, additions[in.Path]), Path: in.Path, Present: present[in.Path]})
	}
	return out, nil
}

// appendIncluded adds rules to the jobs of a file of scrape_config_files. All
// are skipped when lines cannot be added to such a file or the diff cannot name
// it.
func appendIncluded(file promconfig.File, additions []yamledit.Addition) *yamledit.Patch {
	unchanged := &yamledit.Patch{Original: file.Content, Result: file.Content}
	if len(additions) == 0 {
		return unchanged
	}
	patch, err := yamledit.Append(file.Content, additions)
	if err == nil && !filepath.IsLocal(filepath.FromSlash(file.Path)) {
		err = errors.New("the file is not below the folder that the diff is for")
	}
	if err == nil {
		return patch
	}
	for _, a := range additions {
		unchanged.Skipped = append(unchanged.Skipped, yamledit.Skipped{Job: a.Job, Reason: err.Error() + "; add the rules by hand"})
	}
	return unchanged
}

// edits reports whether a change of prometheus.yml carries out the proposal.
func edits(p *sentei.Proposal) bool {
	return relabels(p) || remotes(p) || p.Action.Kind == sentei.SetInterval
}

// entryOf returns the scrape job or the entry of remote_write of a place.
func entryOf(p *sentei.Place) [2]string { return [2]string{p.ScrapeJob, p.RemoteWrite} }

// existingRules returns the rules of the files by the places that have them. An
// entry of remote_write stands under its name and under its URL.
func existingRules(read *promconfig.Relabeling) map[[2]string][]*relabel.Config {
	out := map[[2]string][]*relabel.Config{}
	add := func(entry [2]string, rules []promconfig.Rule) {
		for _, rule := range rules {
			out[entry] = append(out[entry], rule.Config)
		}
	}
	for _, job := range read.Jobs {
		add([2]string{job.Name, ""}, job.Rules)
	}
	for _, w := range read.RemoteWrites {
		add([2]string{"", w.URL}, w.Rules)
		if w.Name != "" && w.Name != w.URL {
			add([2]string{"", w.Name}, w.Rules)
		}
	}
	return out
}

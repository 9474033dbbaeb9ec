package daemon

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/exporters/relabel"
	"github.com/sentei/sentei/exporters/report"
	"github.com/sentei/sentei/internal/config"
	"github.com/sentei/sentei/internal/files"
	"github.com/sentei/sentei/internal/promconfig"
)

// output is one file that is written after each scan.
type output struct {
	name string // path of the file
	// render writes to w. What it has to say besides goes to notes.
	render func(w, notes io.Writer, r *sentei.Report, before past) error
}

// CheckOutputs says whether the output part of the configuration names
// formats and dialects that exist.
func CheckOutputs(c *config.Config) error {
	_, err := newOutputs(c)
	return err
}

func newOutputs(c *config.Config) ([]output, error) {
	var outputs []output
	var errs []error
	dir := c.Path(c.Output.Directory)
	for _, name := range c.Output.Reports {
		f, err := report.ByName(name)
		if err != nil {
			errs = append(errs, fmt.Errorf("output.reports: %w", err))
			continue
		}
		outputs = append(outputs, output{filepath.Join(dir, "report"+f.Extension), func(w, _ io.Writer, r *sentei.Report, before past) error {
			return f.Write(w, r, report.Options{Top: f.Top, Trend: before.kept, Changes: before.changes})
		}})
	}
	for _, name := range c.Output.Relabel {
		d, err := relabel.ByName(name)
		if err != nil {
			errs = append(errs, fmt.Errorf("output.relabel: %w", err))
			continue
		}
		outputs = append(outputs, output{filepath.Join(dir, "relabel."+d.Name+"."+d.Extension), func(w, notes io.Writer, r *sentei.Report, _ past) error {
			options, err := RelabelOptions(c, r)
			if err != nil {
				return err
			}
			options.Notes = notes
			r, options.Remark = forOutput(r, c)
			return d.Write(w, r, options)
		}})
	}
	if dir == "" {
		outputs = nil
	}
	return outputs, errors.Join(errs...)
}

// RelabelOptions reads the prometheus.yml of each backend anew, as proposals
// are made for the file as it is now, with the files of its
// scrape_config_files, and the rule files that the report proposes to delete
// rules from. In a diff they keep the path that the configuration gives them, or
// their base name when that is absolute. A rule file that cannot be read is left
// out.
func RelabelOptions(c *config.Config, r *sentei.Report) (relabel.Options, error) {
	o := relabel.Options{Files: map[string]relabel.File{}, Included: map[string][]promconfig.File{}, RuleFiles: ruleFiles(c, r)}
	for i := range c.Backends {
		b := &c.Backends[i]
		if b.PrometheusConfig == "" {
			continue
		}
		content, included, err := promconfig.Load(c.Dir, b.PrometheusConfig)
		if err != nil {
			return o, fmt.Errorf("backend %s: read prometheus_config: %w", b.Name, err)
		}
		o.Files[b.Name] = relabel.File{Path: diffPath(b.PrometheusConfig), Content: content}
		for i := range included {
			included[i].Path = includedPath(c, b.PrometheusConfig, included[i].Path)
		}
		o.Included[b.Name] = included
	}
	return o, nil
}

// diffPath is what a file is called in a diff.
func diffPath(name string) string {
	path := filepath.ToSlash(filepath.Clean(name))
	if filepath.IsAbs(name) {
		return filepath.Base(path)
	}
	return path
}

// includedPath is what a file of scrape_config_files is called in a diff that
// is applied where diffPath of the prometheus.yml is right. It is not local
// when the file does not lie below that folder.
func includedPath(c *config.Config, main, name string) string {
	base := c.Dir
	if !filepath.IsLocal(main) { // its diff has the base name alone
		base = filepath.Dir(c.Path(main))
	}
	from, errFrom := filepath.Abs(base)
	to, errTo := filepath.Abs(c.Path(name))
	path, err := filepath.Rel(from, to)
	if errors.Join(errFrom, errTo, err) != nil {
		return filepath.ToSlash(to)
	}
	return filepath.ToSlash(path)
}

// ruleFiles reads the rule files of sources of this machine that proposals
// delete rules from.
func ruleFiles(c *config.Config, r *sentei.Report) map[string]map[string]relabel.File {
	local := map[[2]string]bool{} // by backend and source
	for i := range r.Sources {
		s := &r.Sources[i]
		local[[2]string{s.Backend, s.Name}] = s.Kind == "rule_files"
	}
	out := map[string]map[string]relabel.File{}
	for i := range r.Proposals {
		p := &r.Proposals[i]
		for _, id := range p.Action.Rules {
			rule := r.Consumer(id)
			if rule == nil || !local[[2]string{rule.Backend, rule.Source}] {
				continue
			}
			name := rule.Location.File
			content, err := files.ReadFile(c.Path(name))
			if err != nil {
				continue // the rule is named in comments
			}
			if out[p.Place.Backend] == nil {
				out[p.Place.Backend] = map[string]relabel.File{}
			}
			out[p.Place.Backend][name] = relabel.File{Path: diffPath(name), Content: content}
		}
	}
	return out
}

// write replaces the file in one step. It returns what there is to say of it
// that does not stand in it.
func (o output) write(r *sentei.Report, before past) (notes string, err error) {
	var b strings.Builder
	err = files.Replace(o.name, 0o644, func(w io.Writer) error { return o.render(w, &b, r, before) })
	if err != nil {
		return "", fmt.Errorf("write output %s: %w", o.name, err)
	}
	return b.String(), nil
}

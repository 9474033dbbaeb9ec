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
)

// output is one file that is written after each scan.
type output struct {
	name string // path of the file
	// render writes to w. What it has to say besides goes to notes.
	render func(w, notes io.Writer, r *sentei.Report) error
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
		outputs = append(outputs, output{filepath.Join(dir, "report"+f.Extension), func(w, _ io.Writer, r *sentei.Report) error {
			return f.Write(w, r, report.Options{Top: f.Top})
		}})
	}
	for _, name := range c.Output.Relabel {
		d, err := relabel.ByName(name)
		if err != nil {
			errs = append(errs, fmt.Errorf("output.relabel: %w", err))
			continue
		}
		outputs = append(outputs, output{filepath.Join(dir, "relabel."+d.Name+"."+d.Extension), func(w, notes io.Writer, r *sentei.Report) error {
			options, err := RelabelOptions(c)
			if err != nil {
				return err
			}
			options.Notes = notes
			r, options.Remark = OpenProposals(r, c)
			return d.Write(w, r, options)
		}})
	}
	if dir == "" {
		outputs = nil
	}
	return outputs, errors.Join(errs...)
}

// RelabelOptions reads the prometheus.yml of each backend anew, as proposals
// are made for the file as it is now. In a diff it keeps the path that the
// configuration gives it, or its base name when that is absolute.
func RelabelOptions(c *config.Config) (relabel.Options, error) {
	o := relabel.Options{Files: map[string]relabel.File{}}
	for i := range c.Backends {
		b := &c.Backends[i]
		if b.PrometheusConfig == "" {
			continue
		}
		content, err := files.ReadFile(c.Path(b.PrometheusConfig))
		if err != nil {
			return o, fmt.Errorf("backend %s: read prometheus_config: %w", b.Name, err)
		}
		path := filepath.ToSlash(filepath.Clean(b.PrometheusConfig))
		if filepath.IsAbs(b.PrometheusConfig) {
			path = filepath.Base(path)
		}
		o.Files[b.Name] = relabel.File{Path: path, Content: content}
	}
	return o, nil
}

// write replaces the file in one step. It returns what there is to say of it
// that does not stand in it.
func (o output) write(r *sentei.Report) (notes string, err error) {
	var b strings.Builder
	err = files.Replace(o.name, 0o644, func(w io.Writer) error { return o.render(w, &b, r) })
	if err != nil {
		return "", fmt.Errorf("write output %s: %w", o.name, err)
	}
	return b.String(), nil
}

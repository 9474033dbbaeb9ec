package usage

import (
	"cmp"
	"context"
	"errors"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/files"
	"github.com/sentei/sentei/internal/grafana"
	"github.com/sentei/sentei/internal/source"
)

// dashboardFiles reads Grafana's dashboards from files.
var dashboardFiles = Info{Class: sentei.ClassDashboards, Info: source.New("dashboard_files", sentei.Doc{
	Title: "Reads Grafana dashboards, library panels and alert rules from files.",
	Text: `Reads panels, variables and annotations of dashboards of every schema: the classic one (with rows or
panels), v2alpha1, v2beta1 and v2; as exported by Grafana, as its API answers, as a Kubernetes resource or ConfigMap, and as
the Grafana operator keeps them. Hidden queries and disabled annotations count. Folders are read with all folders below
them, files that end in .json. YAML files may be named as well.

Grafana's own alert rules in these files count too: as exported, provisioned, or answered by the API.

**Library panels.** A dashboard holds only a reference to them. Export them by ` + "`/api/library-elements?perPage=…`" + ` and name
the files under library_panels; those in paths and those that came with an exported dashboard are found as well. A panel
that is not found is an opaque consumer, which blocks verdicts. A copy that an old dashboard holds beside the reference
counts, but stands for the panel only in an answer of the API (` + "`/api/dashboards/uid/…`" + `), as it may be out of date in a file.

**Data sources.** Queries for the default data source, for one that a variable chooses, and for one whose type is not
known count, as they may be Prometheus. Name the data sources of this backend under datasources if others are Prometheus
as well, or if dashboards name data sources of other types without their type, as old ones do. Give the names and UIDs that
the dashboards use. Queries left out for this reason are reported; while there are any, a listed data source that no query
uses blocks verdicts, as it may be a slip of the pen.

Grafana goes by the UID, and a dashboard may state a type that is out of date. So a query counts, whatever its type, if
datasources lists its data source, if another query says that this UID is a Prometheus, or if its text is PromQL that names a
metric, which no LogQL does. Queries left out for their type (loki, for one) are reported by type.

**Variables.** Of custom, constant, interval and switch variables the values are known, and narrow what an expression may
read. A value that a viewer types by hand is not: look for those in the query log. All other variables may have any value.

**Ad hoc filters** let a viewer add a matcher on any label. They never widen what a query reads, but make any label live;
dashboards that have them are reported.

A file that is no dashboard is a problem that blocks verdicts. Files above 64 MiB are not read.`,
	Example: `- dashboard_files:
    paths:                      # files, glob patterns or folders, relative to this file
      - dashboards
    library_panels:             # the same, for exported library panels
      - library/*.json
    datasources: []             # names and UIDs by which Grafana knows this backend; empty: every Prometheus counts
    lang: promql                # language of data sources that do not tell theirs: promql or metricsql
`,
}, dashboardFilesOptions{Lang: sentei.PromQL}, newDashboardFiles)}

type dashboardFilesOptions struct {
	Paths         []string    `yaml:"paths"`
	LibraryPanels []string    `yaml:"library_panels"`
	Datasources   []string    `yaml:"datasources"`
	Lang          sentei.Lang `yaml:"lang"`
}

type dashboardFilesSource struct {
	dashboardFilesOptions
	env source.Env
}

func newDashboardFiles(o dashboardFilesOptions, env source.Env) (Source, error) {
	err := errors.Join(files.Check("paths", o.Paths), checkLang(o.Lang))
	if len(o.LibraryPanels) > 0 {
		err = errors.Join(err, files.Check("library_panels", o.LibraryPanels))
	}
	if err != nil {
		return nil, err
	}
	return &dashboardFilesSource{o, env}, nil
}

// Consumers implements Source.
func (s *dashboardFilesSource) Consumers(ctx context.Context) (*sentei.UsageData, error) {
	c := collector{env: s.env}
	library := grafana.Library{}
	panels, err := s.read(ctx, &c, s.LibraryPanels, library)
	if err != nil {
		return nil, err
	}
	for _, f := range panels {
		if len(f.Dashboards)+len(f.Alerts) > 0 {
			c.problem(f.Name, errors.New("library_panels names a file with dashboards or alert rules: name it in paths"))
		}
	}
	found, err := s.read(ctx, &c, s.Paths, library)
	if err != nil {
		return nil, err
	}
	var boards []board
	sources := newDatasources(s.Lang, s.Datasources)
	for _, f := range found {
		for _, d := range f.Dashboards {
			boards = append(boards, board{d.Queries(library), len(d.AdHoc()) > 0})
		}
		boards = append(boards, board{queries: f.Alerts})
	}
	for _, b := range boards {
		for i := range b.queries {
			sources.see(&b.queries[i])
		}
	}
	for _, b := range boards {
		s.add(&c, b, sources)
	}
	c.Problems = append(c.Problems, sources.problems(s.env)...)
	return &c.UsageData, nil
}

// read reads all files of the patterns, and adds their library panels.
func (s *dashboardFilesSource) read(ctx context.Context, c *collector, patterns []string, library grafana.Library) ([]*grafana.File, error) {
	found, problems := files.Find(s.env, patterns, ".json")
	c.Problems = append(c.Problems, problems...)
	var out []*grafana.File
	for _, f := range found {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		data, err := files.Read(f)
		if err != nil {
			c.problem(f.Name, err)
			continue
		}
		file, err := grafana.Read(f.Name, data)
		if err != nil {
			c.problem(f.Name, err)
		}
		for _, issue := range file.Issues {
			c.issue(f.Name, issue)
		}
		library.Add(file.Panels)
		out = append(out, file)
	}
	return out, nil
}

// board is the queries of one dashboard. adHoc says that viewers can filter
// them by any label.
type board struct {
	queries []grafana.Query
	adHoc   bool
}

// add adds the queries of this backend.
func (s *dashboardFilesSource) add(c *collector, b board, sources *datasources) {
	for _, q := range b.queries {
		if !sources.take(&q) {
			continue
		}
		q.Expression.Lang = cmp.Or(q.Expression.Lang, s.Lang)
		q.Expression.AdHoc = b.adHoc
		c.add(sentei.Consumer{
			Kind: q.Kind, Name: q.Name, Location: q.Location, Expression: q.Expression,
			Records: q.Records, RecordLabels: q.RecordLabels, Opaque: q.Opaque,
		})
	}
}

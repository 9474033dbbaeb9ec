// Package grafana reads what Grafana keeps: dashboards of every schema,
// library panels and alert rules of its own. In goes the text of a file or of
// an API answer; out come the expressions in it that Prometheus-like data
// sources evaluate, with their location, and the parts that could not be read.
// It reads no files and does not understand expressions.
//
// Reading order: read.go (what a document is), dashboard.go (a walk through
// one dashboard), target.go (a query of a panel), classic.go and schema2.go (the
// two families of schemas), variable.go, datasource.go, alert.go.
package grafana

import (
	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/tree"
)

// File is what one file or API answer holds, in the order of its text.
type File struct {
	Name       string
	Dashboards []*Dashboard
	Panels     []*LibraryPanel
	// Alerts are the queries of Grafana's own alerting and recording rules.
	Alerts []Query
	Issues []tree.Issue
}

// Query is one expression that Grafana sends to a data source. Queries of
// plugins that do not read Prometheus are among them only as far as they look
// the same: see Other.
type Query struct {
	Kind     sentei.ConsumerKind
	Name     string // dashboard, alert or recorded metric
	Location sentei.Location
	// Expression is the text. Its Lang is empty where the data source does
	// not tell.
	Expression sentei.Expression
	// Datasource is the name or identifier of the data source. It is empty
	// for the default one and for one that a variable chooses.
	Datasource string
	// Plugin is the type of the data source as the dashboard states it, or
	// empty when it does not.
	Plugin string
	// Other says that Plugin does not read Prometheus. Grafana goes by the UID
	// of a data source: where the stated plugin is out of date, the query may
	// be one of a Prometheus all the same. Whoever knows the data source by
	// its name or UID must say so; else the query is to be left out.
	Other bool
	// Records and RecordLabels are what a recording rule writes.
	Records      string
	RecordLabels map[string]string
	// Opaque says why the expression cannot be known, or is empty.
	Opaque string
}

// LibraryPanel is a panel that dashboards share; they hold only its UID.
type LibraryPanel struct {
	UID, Name string
	file      string
	model     *tree.Value
}

// Library finds library panels by their UID. Several of the same UID are all
// taken to be in use.
type Library map[string][]*LibraryPanel

// Add adds the panels to the library.
func (l Library) Add(panels []*LibraryPanel) {
	for _, p := range panels {
		l[p.UID] = append(l[p.UID], p)
	}
}

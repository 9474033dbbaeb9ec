package grafana

import (
	"slices"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/tree"
)

// noQuery are fields of a target of Prometheus that ask nothing by themselves.
var noQuery = []string{
	"$$hashKey", "adhocFilters", "datasource", "disableTextWrap", "editorMode", "exemplar", "expr", "format",
	"fromExploreMetrics", "fullMetaSearch", "groupByKeys", "hide", "includeNullMetadata", "instant", "interval",
	"intervalFactor", "intervalMs", "key", "legendFormat", "maxDataPoints", "queryType", "range", "refId", "requestId",
	"scopes", "step", "useBackend",
}

// panelTarget reads the target of a panel. One that asks a Prometheus-like data
// source by other fields than expr cannot be known. Without such fields, or
// with an empty expr, it is not filled in yet.
func (w *walker) panelTarget(t *tree.Value, ds datasource, panel string) {
	w.target(t, ds, panel)
	if !isPrometheus(ds.typ) || t.Get("expr") != nil {
		return
	}
	var fields []string
	for _, f := range t.Entries() {
		if !slices.Contains(noQuery, f.Key) && filled(f.Value) {
			fields = append(fields, f.Key)
		}
	}
	if len(fields) > 0 {
		slices.Sort(fields)
		w.add(panel, t.Line, ds, sentei.Expression{},
			"the form of the query is not known: it has no expr, but "+strings.Join(fields, ", "))
	}
}

// filled reports whether the value is more than null, false or empty.
func filled(v *tree.Value) bool {
	text := strings.TrimSpace(v.Scalar())
	return text != "" && text != "false" || len(v.List())+len(v.Entries()) > 0
}

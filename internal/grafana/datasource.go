package grafana

import (
	"regexp"
	"slices"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/tree"
)

// datasource is what is known of the data source of a query.
type datasource struct {
	typ  string // the plugin; empty when unknown
	name string // name or UID; empty for the default one and those of variables
}

// others are plugins that do not read Prometheus, though some call their text
// expr or query as well. A plugin that is not listed may be Prometheus-like.
var others = []string{
	"alertmanager", "alexanderzobnin-zabbix-datasource", "camptocamp-prometheus-alertmanager-datasource", "cloudwatch",
	"dashboard", "datasource", "elasticsearch", "grafana", "grafana-athena-datasource", "grafana-azure-monitor-datasource",
	"grafana-bigquery-datasource", "grafana-clickhouse-datasource", "grafana-github-datasource", "grafana-opensearch-datasource",
	"grafana-postgresql-datasource", "grafana-pyroscope-datasource", "grafana-snowflake-datasource", "grafana-testdata-datasource",
	"grafana-x-ray-datasource", "graphite", "influxdb", "jaeger", "loki", "mssql", "mysql", "opentsdb", "parca", "phlare",
	"postgres", "stackdriver", "tempo", "testdata", "vertamedia-clickhouse-datasource", "victoriametrics-logs-datasource",
	"victoriametrics-traces-datasource", "yesoreyeram-infinity-datasource", "zipkin", "__expr__",
}

func isOther(typ string) bool { return slices.Contains(others, typ) }

// isPrometheus reports whether the plugin is known to read Prometheus:
// prometheus itself and those of AWS, Azure and VictoriaMetrics.
func isPrometheus(typ string) bool {
	return !isOther(typ) && (strings.Contains(typ, "prometheus") || strings.Contains(typ, "victoriametrics"))
}

// lang returns the language of the data source, or "" when it does not tell.
func (d datasource) lang() sentei.Lang {
	if strings.Contains(d.typ, "victoriametrics") {
		return sentei.MetricsQL
	}
	return ""
}

// ownTypes are the types that dashboards state for the data sources that are
// part of Grafana.
var ownTypes = []string{"dashboard", "datasource", "grafana"}

// builtIn stands for the data sources that are part of Grafana, and for its own
// expressions. They go by UIDs that nothing else can have.
var builtIn = datasource{typ: "datasource"}

// mixed stands for a panel whose targets name their own data sources.
const mixed = "mixed"

// source resolves a reference in any of its forms: null for the inherited data
// source, a name, a variable, an object with type and uid.
func (w *walker) source(ref *tree.Value, inherited datasource) datasource {
	if inherited.typ == mixed {
		inherited = datasource{} // a target without its own takes the default
	}
	switch {
	case ref.Str() != "":
		return w.ref("", ref.Str())
	case ref.Is(tree.Object):
		typ, uid := ref.Get("type").Str(), ref.Get("uid").Scalar()
		if uid == "" {
			uid = ref.Get("name").Str()
		}
		if typ != "" || uid != "" {
			return w.ref(typ, uid)
		}
	}
	return inherited
}

// ref resolves the type and the name or UID that a dashboard states. Grafana
// goes by the UID; a stated type may be out of date where the UID is a
// variable.
func (w *walker) ref(typ, uid string) datasource {
	switch uid {
	case "":
		return datasource{typ: typ}
	case "default":
		return unresolved(typ)
	case "-- Mixed --":
		return datasource{typ: mixed}
	case "-- Grafana --", "-- Dashboard --", "__expr__", "-100":
		return builtIn
	}
	if uid != "grafana" && slices.Contains(ownTypes, typ) {
		typ = "" // those of Grafana itself have UIDs of their own
	}
	if !tokens.MatchString(uid) {
		return datasource{typ: typ, name: uid}
	}
	types := []string{typ}
	if m := wholeVariable.FindStringSubmatch(uid); m != nil {
		plugins := w.vars.plugins[m[1]+m[2]+m[3]]
		if len(plugins) == 0 {
			return unresolved(typ)
		}
		types = append(slices.Clone(plugins), typ)
	}
	types = slices.DeleteFunc(types, func(t string) bool { return t == "" })
	if len(types) == 0 {
		return datasource{}
	}
	for _, known := range []func(string) bool{isPrometheus, func(t string) bool { return !isOther(t) }} {
		if i := slices.IndexFunc(types, known); i >= 0 {
			return datasource{typ: types[i]}
		}
	}
	return datasource{typ: types[0]}
}

// unresolved returns a data source of which only the type is stated, and
// nothing tells which one Grafana takes. So the type excludes nothing.
func unresolved(typ string) datasource {
	if isOther(typ) {
		typ = ""
	}
	return datasource{typ: typ}
}

// wholeVariable matches a text that is one variable and nothing else.
var wholeVariable = regexp.MustCompile(`^(?:\$(\w+)|\$\{(\w+)(?::[^}]*)?\}|\[\[(\w+?)(?::\w+)?\]\])$`)

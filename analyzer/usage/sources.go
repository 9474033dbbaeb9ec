// Package usage finds who reads what a backend stores, one file a source. In
// goes the configuration of one source; out come sentei.Consumers with their
// expressions as written. The analyzer understands the expressions.
package usage

import (
	"context"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/source"
)

// Source finds consumers.
type Source interface {
	// Consumers reads everything once. An error means that nothing usable was
	// read; parts that could not be read are returned as problems, or as
	// opaque consumers, and are never left out in silence.
	Consumers(ctx context.Context) (*sentei.UsageData, error)
}

// Info describes a usage source and the class of consumers that it knows.
type Info struct {
	source.Info[Source]
	Class sentei.UsageClass
}

// All lists every usage source, in the order of the documentation.
func All() []Info {
	return []Info{
		prometheusRules,
		ruleFiles,
		dashboardFiles,
		queryLog,
		victoriaMetricsNames,
		mimirtoolFiles,
		declared,
	}
}

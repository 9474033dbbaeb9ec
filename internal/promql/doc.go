// Package promql says what an expression asks storage for. In goes a
// sentei.Expression: PromQL, MetricsQL, or either of them with Grafana
// variables in it; out come its selectors, each with the labels that can
// change the result (live), the labels that are dead but take part in keeping
// series apart (erased), and whether the order of series can show.
//
// The analysis walks the syntax tree from the root to the selectors and
// carries along which labels of a node's output its reader needs. It errs on
// one side only: what it does not know for certain is live. What it cannot
// understand at all is Opaque, and then nothing may be concluded from it.
//
// Reading order: analyze.go (the entry), limits.go (what is refused as too
// large), scope.go (what is carried along), promql.go (the tree), functions.go,
// aggregate.go, binary.go and info.go (the rules), selector.go (the result),
// metricsql*.go (the same for MetricsQL), template*.go and variablequery.go
// (Grafana), resolve.go (selectors against series).
package promql

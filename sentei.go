// Package sentei is the domain of sentei (剪定, pruning): the words that every
// other package speaks. It holds types and pure functions only: no input or
// output, no goroutines, no global state.
//
// sentei treats stored metrics as a compiler treats a program. Alerts,
// dashboards, logged queries and declared consumers are the roots. Recording
// rules are intermediate code. What no root can reach is dead, and may go.
//
//	inventory sources ──> Inventory ──┐
//	 (what is stored,                 ├─> analyzer ──> Report ──> rules ──> Report with proposals
//	  what it costs)                  │   join, score                              │
//	usage sources ──> Consumers ──────┘                                            v
//	 (who reads it: alerts, rules,                       exporters: own metrics, relabel
//	  dashboards, query logs)                            configuration, reports
//
// One immutable Report is made per scan; every exporter is a pure function of
// it. So the command line and the daemon run the same code, and a scrape never
// triggers a scan.
//
// Reading order: inventory.go (what is stored), consumer.go (who reads it),
// usage.go (the verdict), cost.go (what it takes, in money), proposal.go (what
// may go), report.go (all of it at one instant).
package sentei

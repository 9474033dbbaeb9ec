package report

import "strings"

// The headers are as stable as csvHeader.

// csvBackends has a row for each backend.
func (v *view) csvBackends() [][]string {
	out := [][]string{{
		"backend", "metrics", "series", "samples_per_second", "cost_per_month", "currency", "share_percent",
		"used_series", "partly_used_series", "unused_series", "unknown_series", "proposals", "saving_series", "saving_per_month",
	}}
	for _, t := range v.backendSums() {
		out = append(out, []string{
			t.Backend, plainInt(int64(t.Metrics)), plainInt(t.Cost.Series), plainFloat(t.Cost.SamplesPerSecond),
			plainFloat(t.PerMonth), v.currency, plainFloat(100 * t.Share),
			plainInt(t.Used), plainInt(t.PartlyUsed), plainInt(t.Unused), plainInt(t.Unknown),
			plainInt(int64(t.Proposals)), plainInt(t.SavingSeries), plainFloat(t.SavingPerMonth),
		})
	}
	return out
}

// csvGroups has a row for each job, namespace or owner.
func (v *view) csvGroups(o Options) [][]string {
	out := [][]string{{
		"backend", string(o.By), "metrics", "series", "unused_series", "unknown_series",
		"samples_per_second", "memory_bytes", "disk_bytes_per_day", "cost_per_month", "currency", "share_percent",
	}}
	for i, g := range v.groups(o.By, o.MergeBackends) {
		if o.Top > 0 && i == o.Top {
			break
		}
		out = append(out, []string{
			strings.Join(g.backends, " "), g.name, plainInt(int64(g.metrics)), plainInt(whole(g.series)), plainInt(whole(g.unused)), plainInt(whole(g.unknown)),
			plainFloat(g.samples), plainFloat(g.memory), plainFloat(g.disk), plainFloat(g.perMonth), v.currency, plainFloat(100 * v.groupShare(g)),
		})
	}
	return out
}

// csvLabels has a row for each name of a label, in all backends. Savings are
// those that are known of some metric; empty when they are of none.
func (v *view) csvLabels(o Options) [][]string {
	out := [][]string{{"label", "on_metrics", "values", "known_series_saved_without", "needed_by_nobody_on", "known_series_saved_there"}}
	for _, l := range v.labelSums(o.Top) {
		out = append(out, []string{l.name, plainInt(int64(l.metrics)), plainInt(l.values),
			plainKnown(float64(l.saved), l.saved > 0 || !l.notKnown), plainInt(int64(l.dead)),
			plainKnown(float64(l.savedDead), l.savedDead > 0 || !l.notKnownDead)})
	}
	return out
}

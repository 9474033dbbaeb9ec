package rehearsal

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTable rehearses what a look at the names alone calls safe.
func TestTable(t *testing.T) {
	d, r := cluster(t), consumersOfCluster()
	tests := map[string]struct {
		job, rules string
		series     int      // altered
		differs    []string // "consumer kind", sorted
		collisions int
		ambiguous  int
	}{
		"drop what nobody reads": {
			job: "api", rules: `[{source_labels: [__name__], regex: 'go_thing_.*', action: drop}]`, series: 15,
		},
		"clear pod_ip": {
			job: "kube", rules: `[{source_labels: [__name__], regex: kube_pod_info, target_label: pod_ip, replacement: ''}]`, series: 4,
		},
		"clear uid and pod_ip: a pod was recreated with a minute of overlap": {
			job: "kube", rules: `
- {source_labels: [__name__], regex: kube_pod_info, target_label: pod_ip, replacement: ''}
- {source_labels: [__name__], regex: kube_pod_info, target_label: uid, replacement: ''}`,
			series: 4, differs: []string{"phases error", "pods value"}, collisions: 1, // both are 1: no harm but to the count
		},
		"clear path of a histogram": {
			job: "api", rules: `[{source_labels: [__name__], regex: http_request_duration_seconds_bucket, target_label: path, replacement: ''}]`,
			series: 63, differs: []string{"p99 collision"}, collisions: 21, ambiguous: 21,
		},
		"drop sum and count, which a regular expression reads": {
			job: "api", rules: `[{source_labels: [__name__], regex: '.*_seconds_(sum|count)', action: drop}]`,
			series: 18, differs: []string{"latency series"},
		},
		"drop buckets": {
			job: "api", rules: `[{source_labels: [__name__, le], regex: 'http_request_duration_seconds_bucket;(0\.25|2\.5|5\.0)', action: drop}]`,
			series: 27, differs: []string{"p99 value"},
		},
		"drop buckets as Prometheus 2 wrote them: a rule without effect": {
			job: "api", rules: `[{source_labels: [__name__, le], regex: 'http_request_duration_seconds_bucket;5', action: drop}]`,
		},
		"keep one mode": {
			job: "node", rules: `[{source_labels: [__name__, mode], regex: 'node_cpu_seconds_total;(user|system|steal)', action: drop}]`, series: 6,
		},
		"labeldrop pod of a whole job": {
			job: "kube", rules: `[{regex: pod, action: labeldrop}]`,
			series: 7, differs: []string{"nodes series", "phases error"}, collisions: 1,
		},
		"drop the input of a rule: the alert alone would look unchanged": {
			job: "api", rules: `[{source_labels: [__name__], regex: http_requests_total, action: drop}]`,
			series: 12, differs: []string{"biggest series", "codes series", "rule series"},
		},
		"clear method": {
			job: "api", rules: `[{source_labels: [__name__], regex: http_requests_total, target_label: method, replacement: ''}]`,
			series: 12, differs: []string{"biggest value", "codes value", "rule value"}, collisions: 6, ambiguous: 6,
		},
		"what no relabel rule of a job reaches": {
			job: "api", rules: `[{source_labels: [__name__], regex: 'up|ALERTS|job:.*', action: drop}]`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			changes := changesOf(t, r, tt.job, tt.rules)
			res := run(t, r, d, changes)
			var differs []string
			for _, x := range res.Differences {
				differs = append(differs, x.Consumers[0].ID+" "+x.Kind)
				t.Logf("%s at %s because of %s: %s", x.Expr, x.At, x.Changes, x.Detail)
			}
			slices.Sort(differs)
			if diff := cmp.Diff(tt.differs, differs); diff != "" {
				t.Errorf("differences, -want +got\n%s", diff)
			}
			f := res.Figures
			if f.Series != tt.series || f.Collisions != tt.collisions || f.Ambiguous != tt.ambiguous {
				t.Errorf("%d series, %d collisions, %d ambiguous", f.Series, f.Collisions, f.Ambiguous)
			}
			if f.Untouched+f.Same+f.Differs+f.Unstable+f.NotRehearsed+f.Dead != f.Consumers || f.Unstable+f.NotRehearsed > 0 {
				t.Errorf("figures %+v", f)
			}
			if res.Clean() != (len(tt.differs) == 0) {
				t.Error("clean", res.Clean())
			}
			if again := run(t, r, d, changes); !cmp.Equal(res, again) {
				t.Errorf("a second run differs\n%s", cmp.Diff(res, again))
			}
		})
	}
}

// TestBlame rehearses many changes at once and wants the guilty ones by name.
func TestBlame(t *testing.T) {
	d, r := cluster(t), consumersOfCluster()
	changes := slices.Concat(
		changesOf(t, r, "api", `
- {source_labels: [__name__], regex: 'go_thing_.*', action: drop}
- {source_labels: [__name__, le], regex: 'http_request_duration_seconds_bucket;0\.25', action: drop}
- {source_labels: [__name__, le], regex: 'http_request_duration_seconds_bucket;5\.0', action: drop}
- {source_labels: [__name__, code], regex: 'http_requests_total;500', action: drop}`),
		changesOf(t, r, "kube", `
- {source_labels: [__name__], regex: kube_pod_info, target_label: pod_ip, replacement: ''}
- {source_labels: [__name__], regex: kube_pod_info, target_label: uid, replacement: ''}
- {source_labels: [__name__], regex: kube_pod_info, target_label: node, replacement: 'n1'}`),
		changesOf(t, r, "node", `[{source_labels: [mode], regex: steal, action: drop}]`),
	)
	res := run(t, r, d, changes)
	var got []string
	for _, x := range res.Differences {
		got = append(got, strings.Join(x.Changes, "+")+" "+x.Consumers[0].ID)
	}
	want := []string{"api[2] p99", "api[3] codes", "api[3] rule", "kube[0]+kube[1] phases", "kube[0]+kube[1] pods"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
		t.Logf("%+v", res.Differences)
	}
	for _, c := range res.Changes {
		blamed := slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, c.ID) })
		if c.Differs != blamed {
			t.Errorf("change %s: differs %v", c.ID, c.Differs)
		}
	}
}

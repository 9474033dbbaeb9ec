package rehearsal

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promapi"
	"github.com/sentei/sentei/internal/remoteread/remotetest"
)

func server(t testing.TB, url string, window time.Duration) *Data {
	t.Helper()
	c := promapi.DefaultConfig()
	c.URL = url
	client, err := promapi.New(c, "", slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	d, err := OpenServer(t.Context(), client, window)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// TestServer rehearses over blocks, and over a server that has the same: the
// result must be the same.
func TestServer(t *testing.T) {
	dir := clusterSeries().write(t)
	blocks := open(t, dir)
	r := consumersOfCluster()
	labelValues := consumer(sentei.Dashboard, "values", `label_values(http_requests_total, code)`)
	labelValues.Backend, labelValues.VariableQuery = "b", true
	r.Consumers = append(r.Consumers, labelValues)
	changes := slices.Concat(
		changesOf(t, r, "api", `[{source_labels: [__name__, code], regex: 'http_requests_total;500', action: drop}, {regex: path, action: labeldrop}]`),
		changesOf(t, r, "kube", `[{source_labels: [__name__], regex: kube_pod_info, target_label: uid, replacement: ''}]`),
	)
	for name, o := range map[string]remotetest.Options{
		"streamed": {FrameBytes: 300, ExternalLabels: labels.FromStrings("cluster", "c", "zone", "z")},
		"samples":  {Sampled: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := remotetest.Start(t, dir, o)
			d := server(t, s.URL, time.Hour)
			if !d.To.Equal(blocks.To.Add(-settled)) || d.To.Sub(d.From) != time.Hour {
				t.Errorf("%s to %s", d.From, d.To)
			}
			both := *blocks
			both.From, both.To, both.Remote = d.From, d.To, true // the same instants are looked at
			want, got := run(t, r, &both, changes), run(t, r, d, changes)
			if diff := cmp.Diff(want, got); diff != "" || want.Figures.Differs == 0 || want.Figures.Same == 0 {
				t.Errorf("figures %+v, -blocks +server\n%s", want.Figures, diff)
			}
			// Three evaluations of each expression, but samples are read once.
			if reads := s.Reads.Load(); reads > want.Figures.Queries {
				t.Errorf("%d reads for %d queries", reads, want.Figures.Queries)
			}
			t.Logf("%d queries, %d reads, %d lists", got.Figures.Queries, s.Reads.Load(), s.Lists.Load())
		})
	}
}

// TestServerFails rehearses over a server that refuses to give samples: what
// reads a changed series is not rehearsed.
func TestServerFails(t *testing.T) {
	dir := clusterSeries().write(t)
	s := remotetest.Start(t, dir, remotetest.Options{Sampled: true, SampleLimit: 1000})
	d := server(t, s.URL, time.Hour)
	r := report(consumer(sentei.Query, "many", `count_over_time(http_request_duration_seconds_bucket[1h])`), consumer(sentei.Query, "few", `count(http_request_duration_seconds_bucket{le="5.0",path="/"})`))
	res := run(t, r, d, changesOf(t, r, "api", `[{regex: pod, action: labeldrop}]`))
	f := res.Figures
	if f.NotRehearsed != 1 || f.Same != 1 {
		t.Errorf("figures %+v", f)
	}
	i := slices.IndexFunc(res.Outcomes, func(o Outcome) bool { return o.Status == NotRehearsed })
	if reason := res.Outcomes[i].Reason; !strings.Contains(reason, "the data cannot be read") || !strings.Contains(reason, "exceeded sample limit") {
		t.Error(reason)
	}
}

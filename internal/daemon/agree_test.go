package daemon

import (
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/config"
)

var agreeSeeds = flag.Uint64("agree.seeds", 6, "how many random worlds TestProofAndRehearsalAgree makes")

// TestProofAndRehearsalAgree makes random stored series and random alerts, and
// rehearses everything that is proposed. What has been proven must not make a
// difference: else the proof is wrong, or the rehearsal.
func TestProofAndRehearsalAgree(t *testing.T) {
	made := map[sentei.ActionKind]int{}
	replayed, merged := 0, 0
	for seed := range *agreeSeeds {
		dir := t.TempDir()
		r := rand.New(rand.NewPCG(seed, 7))
		writeWorld(t, r, filepath.Join(dir, "data"))
		w := world{honorLabels: r.IntN(2) == 0, twoFeeders: r.IntN(2) == 0, wholeJob: r.IntN(2) == 0}
		w.exprs = make([]string, 5+r.IntN(8))
		for i := range w.exprs {
			w.exprs[i] = randomExpr(r)
		}
		for range r.IntN(4) {
			w.records = append(w.records, strings.TrimSuffix(randomExpr(r), " > 0"))
		}
		exprs := w.exprs
		report := w.scan(t, dir)
		for _, p := range report.Problems {
			if strings.Contains(p.Message, "withdrawn") || strings.Contains(p.Message, "could not be rehearsed") {
				t.Errorf("seed %d: %s: %s\nalerts:\n%s", seed, p.Where, p.Message, strings.Join(exprs, "\n"))
			}
		}
		for i := range report.Proposals {
			p := &report.Proposals[i]
			made[p.Action.Kind]++
			if p.Action.Merges {
				merged++
			}
			if p.Rehearsal == nil {
				t.Errorf("seed %d: %s was not rehearsed", seed, p.ID)
				continue
			}
			replayed += p.Rehearsal.Replayed
		}
	}
	t.Logf("%v proposals, %d replayed consumers", made, replayed)
	if merged == 0 {
		t.Errorf("no series are merged in %d worlds", *agreeSeeds)
	}
	for _, kind := range []sentei.ActionKind{sentei.DeleteRules, sentei.DropMetric, sentei.DropValues, sentei.StripLabel} {
		if made[kind] == 0 {
			t.Errorf("no proposal of kind %s in %d worlds", kind, *agreeSeeds)
		}
	}
	if replayed == 0 {
		t.Error("no consumer was replayed")
	}
}

const worldConfig = `
analysis: {window: 30d, min_window: 0s, require: [rules]}
rehearsal: {enabled: %v, instants: 8}
backends:
  - name: w
    prometheus_config: prometheus.yml
    inventory: [{block: {path: data}}]
    usage: [{rule_files: {paths: [rules.yml]}}]
rules:
  drop_unused_values: {min_series: 1}
  drop_unused_buckets: {min_series: 1}
  merge_constant_series: {min_series: 1, min_span: 0s}
  strip_unused_label: {min_series: 1, min_span: 0s, observed: true, whole_job: %v}
`

// world is what stands around the stored series.
type world struct {
	exprs, records                    []string // of alerts and of recording rules
	honorLabels, twoFeeders, wholeJob bool
	skipRehearsal                     bool
}

// scan scans the data below dir.
func (w *world) scan(t *testing.T, dir string) *sentei.Report {
	t.Helper()
	rules := "groups:\n- name: g\n  rules:\n"
	for i, e := range w.records {
		rules += fmt.Sprintf("  - {record: 'job:r%d', expr: %q}\n", i, e)
	}
	for i, e := range w.exprs {
		rules += fmt.Sprintf("  - {alert: A%d, expr: %q}\n", i, e)
	}
	jobs := fmt.Sprintf("scrape_configs:\n- {job_name: api, static_configs: [{targets: [a, b]}]}\n- {job_name: web, honor_labels: %v, static_configs: [{targets: [c]}]}\n", w.honorLabels)
	if w.twoFeeders {
		jobs += "- {job_name: api2, static_configs: [{targets: [d], labels: {job: api}}]}\n"
	}
	for name, text := range map[string]string{
		"sentei.yml": fmt.Sprintf(worldConfig, !w.skipRehearsal, w.wholeJob), "rules.yml": rules, "prometheus.yml": jobs,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := config.Load(filepath.Join(dir, "sentei.yml"), config.Overlay{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewScanner(c, slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Scan(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const worldStart = 1_700_000_000_000 / 7_200_000 * 7_200_000

// sample is one value of a series.
type sample struct {
	t int64
	v float64
}

func (s sample) T() int64                      { return s.t }
func (s sample) ST() int64                     { return 0 }
func (s sample) F() float64                    { return s.v }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return nil }
func (s sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample           { return s }

// writeWorld writes a block of two jobs with some targets. A target may get a
// new pod halfway: then its series end, and others begin. It returns all series.
func writeWorld(t *testing.T, r *rand.Rand, dir string) []labels.Labels {
	t.Helper()
	const scrapes, minute = 100, 60_000
	var all []storage.Series
	add := func(from, to int, counter bool, kv ...string) {
		var samples []chunks.Sample
		v := float64(r.IntN(100))
		for i := from; i < to; i++ {
			if counter {
				v += float64(r.IntN(20))
			} else {
				v = float64(r.IntN(100))
			}
			samples = append(samples, sample{worldStart + int64(i)*minute, v})
		}
		all = append(all, storage.NewListSeries(labels.FromStrings(kv...), samples))
	}
	info := func(from, to int, kv ...string) {
		var samples []chunks.Sample
		for i := from; i < to; i++ {
			samples = append(samples, sample{worldStart + int64(i)*minute, 1})
		}
		all = append(all, storage.NewListSeries(labels.FromStrings(kv...), samples))
	}
	for _, job := range []string{"api", "web"} {
		for n := range 1 + r.IntN(4) {
			cut := 0
			if r.IntN(4) == 0 {
				cut = scrapes / 2
			}
			for part, span := range [][2]int{{0, cut}, {cut, scrapes}} {
				if span[0] == span[1] {
					continue
				}
				target := []string{"job", job, "instance", fmt.Sprintf("%s-%d", job, n), "pod", fmt.Sprintf("pod-%d-%d", n, part), "zone", fmt.Sprint("z", n%2)}
				series := func(counter bool, kv ...string) { add(span[0], span[1], counter, append(kv, target...)...) }
				series(false, "__name__", "up")
				series(false, "__name__", "memory_bytes")
				for _, code := range []string{"200", "404", "500"} {
					for _, path := range []string{"/a", "/b"} {
						series(true, "__name__", "requests_total", "code", code, "path", path)
					}
				}
				one := map[string]string{"api": "1.0", "web": "1"}[job] // as Prometheus 3 stores it, and as others do
				for _, q := range []string{"0.5", one} {
					series(false, "__name__", "task_seconds", "quantile", q)
				}
				for _, le := range []string{"0.5", one, "+Inf"} {
					series(true, "__name__", "latency_seconds_bucket", "le", le)
				}
				series(true, "__name__", "latency_seconds_count")
				for i := range 3 { // shard and worker follow from each other, so that one of them may go
					series(false, "__name__", "queue_length", "shard", fmt.Sprint("s", i), "worker", fmt.Sprint("w", i), "color", "blue")
				}
				for i := range 2 + r.IntN(3) { // some end, others stay
					span := [2]int{max(span[0], i*20), span[1]}
					if i%2 == 0 {
						span[1] = min(span[1], i*20+30)
					}
					if span[0] < span[1] {
						info(span[0], span[1], append([]string{"__name__", "box_info", "uid", fmt.Sprint("u", i), "node", fmt.Sprint("n", i%2)}, target...)...)
					}
				}
			}
		}
	}
	if _, err := tsdb.CreateBlock(all, dir, 8*60*minute, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	out := make([]labels.Labels, len(all))
	for i := range all {
		out[i] = all[i].Labels()
	}
	return out
}

// randomExpr returns an expression over some of the stored metrics.
func randomExpr(r *rand.Rand) string {
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	matchers := func(own ...string) string {
		var m []string
		for _, s := range append(own, `job="api"`, `instance=~".+"`, `zone="z1"`) {
			if r.IntN(3) == 0 {
				m = append(m, s)
			}
		}
		return "{" + strings.Join(m, ",") + "}"
	}
	requests := func() string {
		return "requests_total" + matchers(pick(`code="500"`, `code!="200"`, `code=~"4..|5.."`), pick(`path="/a"`, `path!~"/b.*"`))
	}
	memory := func() string { return "memory_bytes" + matchers(`pod!=""`) }
	bucket := func() string {
		return "latency_seconds_bucket" + matchers(`le="0.5"`, `le=~"1|1.0"`)
	}
	by := func() string { return pick("job", "instance", "zone", "job, zone", "pod", "code", "path, job") }
	info := func() string {
		return "box_info" + matchers(pick(`node="n1"`, `node!="n0"`, `node=~"n1|"`, `nothere=""`))
	}
	groups := func() string { return pick("by", "without") + " (" + pick(by(), "node", "instance, node", "uid") + ")" }
	switch r.IntN(31) {
	case 28, 29, 30:
		return fmt.Sprintf("%s by (%s) (queue_length%s) > 0", pick("sum", "max"), pick("job", "instance", "pod", "shard"), matchers())
	case 11:
		return fmt.Sprintf("max %s (%s) > 0", groups(), info())
	case 12:
		return fmt.Sprintf("count(count by (%s) (%s)) > 0", pick("node", "pod", "instance"), info())
	case 13:
		return fmt.Sprintf("%s * on (instance, pod) group_left (node) max by (instance, pod, node) (%s) > 0", memory(), info())
	case 14:
		return fmt.Sprintf("%s and on (%s) %s == 1", memory(), pick("instance", "pod"), info())
	case 15:
		return fmt.Sprintf("%s by (node) (%s_over_time(%s[10m])) > 0", pick("avg", "min", "group", "sum"), pick("max", "last", "count", "avg"), info())
	case 16:
		return fmt.Sprintf("max by (job) (task_seconds{quantile%s}) > 0", pick(`="0.5"`, `="1"`, `=~"1|1.0"`, `!="0.5"`))
	case 17:
		return fmt.Sprintf("sum by (%s) ({__name__=~\"%s\"}) > 0", by(), pick("requests_.+|memory_bytes", "mem.*", "task_.*|box_info"))
	case 18:
		return fmt.Sprintf("count by (%s) ({job=\"%s\",%s}) > 0", by(), pick("api", "web"), pick(`code=~"4.."`, `le!=""`, `node="n1"`))
	case 19:
		return fmt.Sprintf("max_over_time(sum %s (rate(%s[5m]))[20m:1m]) > 0", groups(), requests())
	case 20:
		return fmt.Sprintf("%s %s (%s%s) > 0", pick("stddev", "stdvar", "group"), groups(), pick("", "abs", "-"), "("+memory()+")")
	case 21:
		return fmt.Sprintf("sum %s (-%s) < 0", groups(), requests())
	case 22:
		return fmt.Sprintf("count(%s %s on (%s) %s) > 0", requests(), pick("or", "unless", "and"), pick("instance", "code", "zone, instance"), pick(requests(), memory()))
	case 23:
		return fmt.Sprintf("max by (dst) (label_join(%s, \"dst\", \"-\", \"%s\", \"job\")) > 0", memory(), pick("zone", "pod", "instance"))
	case 24:
		return fmt.Sprintf("max %s (job:r%d) > 0", groups(), r.IntN(4))
	case 25:
		return fmt.Sprintf("{__name__=~\"job:.*\",%s} > 0", pick(`code="500"`, `zone!="z0"`, `job="api"`))
	case 26:
		return fmt.Sprintf("histogram_fraction(0, 0.5, sum by (le) (rate(%s[5m]))) > 0", bucket())
	case 27:
		return fmt.Sprintf("absent(%s)", info())
	case 0:
		return fmt.Sprintf("sum by (%s) (rate(%s[%s])) > 0", by(), requests(), pick("5m", "10m"))
	case 1:
		return fmt.Sprintf("sum without (%s) (rate(%s[5m])) > 0", by(), requests())
	case 2:
		return fmt.Sprintf("max by (%s) (%s) > 50", by(), memory())
	case 3:
		return fmt.Sprintf("histogram_quantile(0.9, sum by (le, %s) (rate(%s[10m]))) > 0", pick("job", "zone"), bucket())
	case 4:
		return fmt.Sprintf("sum by (%s) (rate(latency_seconds_bucket{le=\"0.5\"}[5m])) / sum by (%[1]s) (rate(latency_seconds_count[5m])) < 0.9", pick("job", "zone"))
	case 5:
		return fmt.Sprintf("count(%s) < 3", requests())
	case 6:
		return fmt.Sprintf("absent(%s)", memory())
	case 7:
		return fmt.Sprintf("avg by (job) (label_replace(%s, \"zone\", \"$1\", \"%s\", \"(.*)\")) > 1", memory(), pick("instance", "pod"))
	case 8:
		return fmt.Sprintf("%s / on (%s) group_left () sum by (%[2]s) (%s) > 0", requests(), pick("instance", "job", "pod"), memory())
	case 9:
		return fmt.Sprintf("count(count by (%s) (%s)) > 2", by(), requests())
	}
	return fmt.Sprintf("topk(2, sum by (%s) (%s)) > 1", by(), memory())
}

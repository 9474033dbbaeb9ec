//go:build e2e

package tsdbscan

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/promapi/promtest"
	"github.com/sentei/sentei/internal/tsdbscan/blockgen"
)

// TestPromtool compares the overview and the scan with all that promtool tsdb
// analyze prints of the same block, but for its two lists about churn, and the
// scan with what a Prometheus answers that serves it.
func TestPromtool(t *testing.T) {
	tests := map[string]func(dir string) error{
		"cluster": func(dir string) error {
			return blockgen.WriteCluster(dir, blockgen.Cluster{Pods: 40, Blocks: 1, Start: t0})
		},
		"other cluster": func(dir string) error {
			return blockgen.WriteCluster(dir, blockgen.Cluster{Pods: 150, Blocks: 1, Start: t0})
		},
		"adversary": func(dir string) error { return blockgen.WriteAdversary(dir, 20_000, t0) },
		"odd": func(dir string) error {
			_, err := blockgen.Write(dir, blockgen.Block{ULID: ulid, MinTime: t0, MaxTime: t0 + 2*hour, Series: []blockgen.Series{
				whole("__name__", "a"), whole("A", "before", "__name__", "a"), whole("nameless", "1"), whole("job", "x"),
				whole("__name__", "b", "job", "x", "ümlaut.dot", "é"), whole("__name__", "b", "job", "y"), whole("__name__", "c", "z", "long "+strings.Repeat("v", 700)),
			}})
			return err
		},
	}
	for name, write := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := write(dir); err != nil {
				t.Fatal(err)
			}
			want := analyze(t, dir)
			if len(want) != 5 {
				t.Fatalf("promtool prints the lists %q, want 5", slices.Sorted(maps.Keys(want)))
			}
			l, err := List(dir)
			if err != nil {
				t.Fatal(err)
			}
			o, err := ReadOverview(&l.Blocks[0], 0)
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(want, fromOverview(o)); diff != "" {
				t.Errorf("overview (-promtool +ours):\n%s", diff)
			}
			r, err := Scan(t.Context(), l.Blocks, Options{TopValues: 1 << 30})
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(want, fromScan(r)); diff != "" {
				t.Errorf("scan (-promtool +ours):\n%s", diff)
			}
			compareServer(t, dir, r)
		})
	}
}

// lists are what promtool prints, each sorted. The one without a name are the
// totals.
type lists map[string][]string

const (
	commonPairs = "Most common label pairs"
	valueBytes  = "Label names with highest cumulative label value length"
	cardinality = "Highest cardinality labels"
	metricNames = "Highest cardinality metric names"
)

func (l lists) add(list, name string, n int64) {
	l[list] = append(l[list], fmt.Sprintf("%d %s", n, name))
}

func (l lists) total(series, names, pairs, entries int64) {
	l[""] = []string{
		fmt.Sprintf("Total Series: %d", series), fmt.Sprintf("Label names: %d", names),
		fmt.Sprintf("Postings (unique label pairs): %d", pairs), fmt.Sprintf("Postings entries (total label pairs): %d", entries),
	}
}

func (l lists) sorted() lists {
	for _, list := range l {
		slices.Sort(list)
	}
	return l
}

// analyze returns what promtool prints without what is about the time.
func analyze(t *testing.T, dir string) lists {
	t.Helper()
	var stderr strings.Builder
	cmd := exec.CommandContext(t.Context(), promtest.Binary(t, promtest.Promtool), "tsdb", "analyze", "--limit=1000000000", dir)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("promtool: %v: %s", err, stderr.String())
	}
	all, title := lists{}, ""
	lines := bufio.NewScanner(strings.NewReader(string(out)))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		switch {
		case line == "" || strings.HasPrefix(line, "Block ID: ") || strings.HasPrefix(line, "Duration: "):
		case title != "" && strings.HasSuffix(line, ":") || strings.HasSuffix(line, "churning:"):
			title = strings.TrimSuffix(line, ":")
		case !strings.HasSuffix(title, "churning"):
			all[title] = append(all[title], line)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all.sorted()
}

func fromOverview(o *Overview) lists {
	all := lists{}
	all.total(o.Series, int64(len(o.Labels)), o.LabelPairs, o.Entries)
	for _, l := range o.Labels {
		all.add(cardinality, l.Name, l.Values)
		all.add(valueBytes, l.Name, l.Bytes)
	}
	for _, m := range o.Metrics {
		all.add(metricNames, m.Name, m.Count)
		all.add(commonPairs, "__name__="+m.Name, m.Count)
	}
	for _, p := range o.Pairs {
		all.add(commonPairs, p.Name+"="+p.Value, p.Series)
	}
	return all.sorted()
}

func fromScan(r *Result) lists {
	type pair struct{ name, value string }
	pairs := map[pair]int64{}
	var series int64
	all := lists{}
	for i := range r.Metrics {
		m := &r.Metrics[i]
		n := m.Cost().SeriesInSpan
		series += n
		if m.Name != "" {
			pairs[pair{model.MetricNameLabel, m.Name}] = n
			all.add(metricNames, m.Name, n)
		}
		for _, j := range m.Jobs {
			if j.Job != "" {
				pairs[pair{model.JobLabel, j.Job}] += j.Cost.SeriesInSpan
			}
			for _, l := range j.Labels {
				for _, v := range l.Values {
					pairs[pair{l.Name, v.Value}] += v.Series
				}
			}
		}
	}
	values, bytes := map[string]int64{}, map[string]int64{}
	var entries int64
	for p, n := range pairs {
		all.add(commonPairs, p.name+"="+p.value, n)
		values[p.name]++
		bytes[p.name] += int64(len(p.value))
		entries += n
	}
	for name, n := range values {
		all.add(cardinality, name, n)
		all.add(valueBytes, name, bytes[name])
	}
	all.total(series, int64(len(values)), int64(len(pairs)), entries)
	return all.sorted()
}

// compareServer compares live series with what instant queries at the end of
// the scan find.
func compareServer(t *testing.T, dir string, r *Result) {
	t.Helper()
	server := promtest.ServeBlocks(t, promtest.Prometheus3, dir)
	metrics := slices.DeleteFunc(slices.Clone(r.Metrics), func(m sentei.Metric) bool { return m.Name == "" })
	var got []string
	for i := range metrics {
		for _, j := range metrics[i].Jobs {
			if j.Cost.Series > 0 {
				got = append(got, fmt.Sprint(metrics[i].Name, " ", j.Job, " ", j.Cost.Series))
			}
		}
	}
	slices.Sort(got)
	end := fmt.Sprintf("%.3f", float64(r.To.UnixMilli())/1000)
	var want []string
	for _, s := range query(t, server, `count by (__name__, job) ({__name__!=""})`, end) {
		want = append(want, s.Metric[model.MetricNameLabel]+" "+s.Metric[model.JobLabel]+" "+s.Value[1].(string))
	}
	slices.Sort(want)
	if diff := gocmp.Diff(want, got); diff != "" || len(want) == 0 {
		t.Errorf("live series of %d metrics and jobs (-server +ours):\n%s", len(want), diff)
	}

	// The what-if of each label of the largest metrics, for the largest job.
	slices.SortFunc(metrics, func(a, b sentei.Metric) int { return cmp.Compare(b.Cost().Series, a.Cost().Series) })
	for _, m := range metrics[:min(5, len(metrics))] {
		j := slices.MaxFunc(m.Jobs, func(a, b sentei.JobMetric) int { return cmp.Compare(a.Cost.Series, b.Cost.Series) })
		for _, l := range j.Labels {
			expr := fmt.Sprintf(`count(group without (%q) ({__name__=%q, job=%q})) or vector(0)`, l.Name, m.Name, j.Job)
			s := query(t, server, expr, end)
			if len(s) != 1 || s[0].Value[1] != fmt.Sprint(l.SeriesWithoutLive) {
				t.Errorf("%s gives %v, the scan says %d", expr, s, l.SeriesWithoutLive)
			}
		}
	}
}

type sample struct {
	Metric map[string]string
	Value  [2]any
}

func query(t *testing.T, server, expr, time string) []sample {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server+"/api/v1/query",
		strings.NewReader(url.Values{"query": {expr}, "time": {time}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Error string
		Data  struct{ Result []sample }
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Error != "" {
		t.Fatalf("%s: %s %v", expr, answer.Error, err)
	}
	return answer.Data.Result
}

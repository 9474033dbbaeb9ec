package promql_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunks"

	"github.com/sentei/sentei"
	sut "github.com/sentei/sentei/internal/promql"
)

// scenarios are data and queries on which a label that nobody names changes
// the result all the same, although all series stay distinct without it. Each
// keeps one rule of the analysis from being loosened.
var scenarios = []struct {
	name  string
	query string
	strip string // this label
	from  string // from the series of this metric, or of all
	// data is one series a line: labels, then the first and the last minute
	// and the value.
	data string
}{
	{
		name:  "or: a reader erases what keeps the sides apart",
		query: `sum(label_replace((a + 0) or on (k) (b + 0), "k", "", "", ""))`,
		strip: "x",
		data: `a{k="1",x="1"} 0 20 1
		       b{k="2",x="2"} 0 20 2`,
	},
	{
		name:  "or: the name keeps the sides apart until it is dropped",
		query: `sum(-(a or on (__name__) b))`,
		strip: "x",
		data: `a{x="1"} 0 20 1
		       b{x="2"} 0 20 2`,
	},
	{
		name:  "or: the sides follow each other in time below a subquery",
		query: `sum(max_over_time(((a + 0) or on (k) (b + 0))[10m:1m]))`,
		strip: "x",
		data: `a{k="1",x="1"} 0 8 1
		       b{k="1",x="2"} 10 20 2`,
	},
	{
		name:  "fill: made up results stand beside matched ones when a reader erases the signature",
		query: `sum(label_replace(a + on (k) group_left fill_left (0) b, "k", "", "", ""))`,
		strip: "x",
		from:  "a",
		data: `a{k="1",x="1"} 0 20 1
		       b{k="1"} 0 20 2
		       b{k="2"} 0 20 3`,
	},
	{
		name:  "fill: the operator takes away a type that it has matched on",
		query: `max by (k) (a + on (k, __type__) group_left fill_left (1) b)`,
		strip: "n",
		from:  "a",
		data: `a{k="1",n="1"} 0 20 1
		       b{k="1"} 0 20 2
		       b{k="1",__type__="gauge"} 0 20 3`,
	},
	{
		name:  "fill: made up results follow matched ones below a subquery",
		query: `sum(max_over_time((a + on (k) group_left fill_left (0) b)[10m:1m]))`,
		strip: "x",
		from:  "a",
		data: `a{k="1",x="1"} 0 8 1
		       b{k="1"} 0 20 2`,
	},
	{
		name:  "info: labels that are added make two series equal",
		query: `sum(info(a))`,
		strip: "x",
		from:  "a",
		data: `a{job="j",instance="i",x="1"} 0 20 1
		       a{job="j",instance="i",version="v",x="2"} 0 20 2
		       target_info{job="j",instance="i",version="v"} 0 20 1`,
	},
	{
		name:  "info: a label of the series hides a conflict between two info metrics",
		query: `sum(info(a, {__name__=~".+_info"}))`,
		strip: "x",
		from:  "a",
		data: `a{job="j",instance="i",x="1"} 0 20 1
		       target_info{job="j",instance="i",x="2"} 0 20 1
		       build_info{job="j",instance="i",x="3"} 0 20 1`,
	},
	{
		name:  "info: a label of the series hides one that changes below a subquery",
		query: `sum(max_over_time(info(a)[10m:1m]))`,
		strip: "x",
		from:  "a",
		data: `a{job="j",instance="i",x="1"} 0 20 1
		       target_info{job="j",instance="i",x="2"} 0 8 1
		       target_info{job="j",instance="i",x="3"} 11 20 1`,
	},
	{
		name:  "info: an info label that changes makes two series below a subquery",
		query: `sum(max_over_time(info(a)[10m:1m]))`,
		strip: "x",
		from:  "target_info",
		data: `a{job="j",instance="i",y="1"} 0 20 1
		       target_info{job="j",instance="i",x="2",y="2"} 0 8 1
		       target_info{job="j",instance="i",x="3",y="3"} 11 20 1`,
	},
	{
		name:  "info: info labels are all that keeps series apart when a reader erases job",
		query: `sum(label_replace(info(a), "job", "", "", ""))`,
		strip: "x",
		from:  "target_info",
		data: `a{job="1",instance="i",y="1"} 0 20 1
		       a{job="2",instance="i",y="1"} 0 20 1
		       target_info{job="1",instance="i",x="2",y="2"} 0 20 1
		       target_info{job="2",instance="i",x="3",y="3"} 0 20 1`,
	},
	{
		name:  "erased: rate drops the name",
		query: `sum(rate({__name__=~"a|b"}[5m]))`,
		strip: "x",
		data: `a{x="1"} 0 20 1
		       b{x="2"} 0 20 2`,
	},
	{
		name:  "erased: rate drops the type with the name",
		query: `sum(rate(a[5m]))`,
		strip: "x",
		data: `a{__type__="counter",x="1"} 0 20 1
		       a{__type__="gauge",x="2"} 0 20 2`,
	},
	{
		name:  "group_left: a label that is taken from the other side does not keep series apart",
		query: `sum(a * on (k) group_left (y) b)`,
		strip: "x",
		from:  "a",
		data: `a{k="1",x="1",y="1"} 0 20 1
		       a{k="1",x="2",y="2"} 0 20 2
		       b{k="1",y="3"} 0 20 2`,
	},
}

func TestScenarios(t *testing.T) {
	for _, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			d := parseData(t, sc.data)
			e := evaluation{engine: engines()[0], query: sc.query, start: time.Unix(900, 0), end: time.Unix(900, 0)}
			base := e.run(d)
			if base.failed != "" || base.empty() {
				t.Fatalf("the query gives nothing: %q", base.failed)
			}
			stripped, touched := d.without(sc.strip, sc.from)
			if !touched || !distinct(stripped, sentei.LabelSet{}, "", nil) {
				t.Fatal("not a scenario: the series must change and stay distinct")
			}
			if base.differs(e.run(stripped)) == "" {
				t.Fatal("not a scenario: the result does not change")
			}
			a := sut.Analyze(sentei.Expression{Text: sc.query}, sentei.AllLabelsBut())
			if kind := claim(d, a, sc.strip, sc.from); kind != unsafe {
				t.Errorf("removing %s is claimed %s: %+v", sc.strip, kind, a.Selectors)
			}
		})
	}
}

// parseData reads series in the notation of scenarios.
func parseData(t *testing.T, text string) dataset {
	t.Helper()
	var d dataset
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) != 4 {
			t.Fatalf("bad line %q", line)
		}
		l, err := engineParser().ParseMetric(fields[0])
		if err != nil {
			t.Fatal(err)
		}
		var n [3]int64
		for i, f := range fields[1:] {
			for _, c := range f {
				n[i] = n[i]*10 + int64(c-'0')
			}
		}
		var samples []chunks.Sample
		for ts := n[0] * 60_000; ts <= n[1]*60_000; ts += scrapeInterval {
			samples = append(samples, sample{t: ts, f: float64(n[2])})
		}
		d = append(d, series{labels: labels.NewBuilder(l).Labels(), samples: samples})
	}
	return d
}

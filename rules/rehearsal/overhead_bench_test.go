package rehearsal

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/sentei/sentei"
)

// manyConsumers are a thousand, of which one in twenty reads the series that
// changes; the others read what stays as it is.
func manyConsumers() *sentei.Report {
	var out []sentei.Consumer
	for i := range 1000 {
		expr := fmt.Sprintf(`sum by (code) (rate(other_%d[5m])) > %d`, i%100, i)
		if i%20 == 0 {
			expr = fmt.Sprintf(`sum by (path) (rate(http_requests_total{path=~"/p%d.*"}[5m])) > %d`, i/20%10, i)
		}
		out = append(out, consumer(sentei.Query, fmt.Sprint("c", i), expr))
	}
	return report(out...)
}

// manySeries are 1500 series that change, and others.
func manySeries(b *testing.B) *Data {
	var g generator
	for pod := range 50 {
		l := []string{"job", "api", "pod", fmt.Sprintf("api-%d", pod), "uid", fmt.Sprintf("u-%d", pod)}
		for path := range 30 {
			g.whole(counter(float64(pod+path)), append([]string{"__name__", "http_requests_total", "path", fmt.Sprintf("/p%d", path)}, l...)...)
		}
		g.whole(counter(1), append([]string{"__name__", fmt.Sprintf("other_%d", pod), "code", "200"}, l[:4]...)...)
	}
	return g.block(b)
}

// BenchmarkOverhead rehearses a change for a thousand consumers, and compares
// with the time that the engine needs for the queries that were run, on the
// data as they are: the metric overhead is how many times as long it takes.
func BenchmarkOverhead(b *testing.B) {
	d, r := manySeries(b), manyConsumers()
	changes := changesOf(b, r, "api", `[{source_labels: [__name__], regex: http_requests_total, target_label: uid, replacement: ''}]`)
	o := DefaultOptions()
	o.Cutover, o.Concurrency = 0, 1
	rehearse, alone := time.Duration(0), time.Duration(0)
	queries := int64(0)
	for b.Loop() {
		began := time.Now()
		res, err := Run(context.Background(), Input{Report: r, Backend: "b", Changes: changes, Data: d}, o)
		rehearse += time.Since(began)
		if err != nil || !res.Clean() || res.Figures.Untouched != 950 || res.Figures.Same != 50 {
			b.Fatalf("%v, %+v", err, res.Figures)
		}
		queries += res.Figures.Queries
		alone += engineAlone(b, d, r, res, o)
	}
	b.ReportMetric(float64(rehearse)/float64(alone), "overhead")
	b.ReportMetric(float64(queries)/rehearse.Seconds(), "queries/s")
}

// engineAlone runs the queries of the rehearsal without it.
func engineAlone(b *testing.B, d *Data, r *sentei.Report, res *Result, o Options) time.Duration {
	run := newRunner(Input{Report: r, Backend: "b", Data: d}, nil, o)
	defer run.engine.Close()
	began := time.Now()
	for i := range res.Outcomes {
		out := &res.Outcomes[i]
		if out.Status != Same {
			continue
		}
		for k := range 3 * out.Instants { // twice as they are, once with the change
			at := d.From.Add(d.To.Sub(d.From) * time.Duration(k/3+1) / time.Duration(out.Instants+1))
			query, err := run.engine.NewInstantQuery(context.Background(), d.Queryable, nil, out.Expr, at)
			if err != nil {
				b.Fatal(err)
			}
			if x := query.Exec(context.Background()); x.Err != nil {
				b.Fatal(x.Err)
			}
			query.Close()
		}
	}
	return time.Since(began)
}

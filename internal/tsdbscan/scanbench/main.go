// Command scanbench reads the blocks of a TSDB directory as the inventory does
// and prints how many series it has seen. It is the process that the benchmark
// beside it measures; nobody else needs it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/sentei/sentei/internal/tsdbscan"
)

func main() {
	opts := tsdbscan.Options{TopValues: 1000}
	flag.BoolVar(&opts.IndexOnly, "index-only", false, "do not count samples")
	flag.IntVar(&opts.Workers, "workers", 0, "metrics to read at the same time; 0: all cores")
	flag.IntVar(&opts.Reduce, "reduce", 0, "metrics to search for sets of labels to remove")
	flag.Parse()
	if err := run(flag.Arg(0), opts); err != nil {
		fmt.Fprintln(os.Stderr, "scanbench:", err)
		os.Exit(1)
	}
}

func run(dir string, opts tsdbscan.Options) error {
	l, err := tsdbscan.List(dir)
	if err != nil {
		return err
	}
	r, err := tsdbscan.Scan(context.Background(), l.Blocks, opts)
	if err != nil {
		return err
	}
	var series, whatIfs int64
	for i := range r.Metrics {
		series += r.Metrics[i].Cost().SeriesInSpan
		for _, j := range r.Metrics[i].Jobs {
			whatIfs += int64(len(j.Labels))
		}
	}
	fmt.Println(series, "series,", len(r.Metrics), "metrics,", whatIfs, "what-ifs")
	return nil
}

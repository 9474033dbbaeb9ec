// Command drive queries a Prometheus as people with Grafana do, for the recording of sentei's sample data.
//
// It reads exported dashboards, fills in their variables from the server, and asks for every panel,
// variable and annotation that has a Prometheus query, again and again. Now and then it also asks the
// queries of explore.go, which stand for what people type by hand. A query that fails is reported and
// does not end the program: failing queries are part of life, and of the query log.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"time"
)

func main() {
	server := flag.String("prometheus", "http://127.0.0.1:21090", "address of the server to query")
	dashboards := flag.String("dashboards", "grafana", "folder with exported dashboards; its library/ holds library panels")
	every := flag.Duration("every", 8*time.Minute, "time between two visits of the same dashboard")
	check := flag.Bool("check", false, "visit everything once, closed rows too; fail if a query fails or finds nothing")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *server, *dashboards, *every, *check); err != nil {
		fmt.Fprintln(os.Stderr, "drive:", err)
		os.Exit(1)
	}
}

// run visits the dashboards one after the other, evenly spread over the time every, until ctx ends.
func run(ctx context.Context, server, folder string, every time.Duration, check bool) error {
	dashboards, err := readDashboards(folder)
	if err != nil {
		return err
	}
	api := &api{server: server}
	if check {
		return checkAll(ctx, api, dashboards)
	}
	ticker := time.NewTicker(every / time.Duration(len(dashboards)))
	defer ticker.Stop()
	for visit := 0; ; visit++ {
		d := dashboards[visit%len(dashboards)]
		for _, problem := range d.visit(ctx, api, time.Now(), false) {
			log.Println(problem)
		}
		explore(ctx, api, visit, time.Now())
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// checkAll visits all dashboards once, with all rows open.
func checkAll(ctx context.Context, api *api, dashboards []*dashboard) error {
	problems := 0
	for _, d := range dashboards {
		for _, problem := range d.visit(ctx, api, time.Now(), true) {
			log.Println(problem)
			problems++
		}
	}
	if problems > 0 {
		return fmt.Errorf("%d queries failed or found nothing", problems)
	}
	return nil
}

// readDashboards reads every *.json file of folder, and the library panels in folder/library.
func readDashboards(folder string) ([]*dashboard, error) {
	library, err := readLibrary(filepath.Join(folder, "library"))
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no dashboards in %s", folder)
	}
	var dashboards []*dashboard
	for _, file := range files {
		d, err := readDashboard(file, library)
		if err != nil {
			return nil, err
		}
		dashboards = append(dashboards, d)
	}
	return dashboards, nil
}

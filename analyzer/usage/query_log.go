package usage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/querylog"
	"github.com/sentei/sentei/internal/source"
)

// queryLog reads what servers logged of their queries.
var queryLog = Info{Class: sentei.ClassQueries, Info: source.New("query_log", sentei.Doc{
	Title: "Reads from query logs what was asked: Prometheus, Mimir, Thanos, VictoriaMetrics.",
	Text: `Reads the query log of Prometheus (` + "`global.query_log_file`" + `, both the lines of 2.x and of 3.x), the log
of a Mimir or Thanos query-frontend ("query stats" and "slow query detected"), and the log of VictoriaMetrics (slow
queries). It finds the readers that no file declares: people, scripts, and dashboards of others.

A query that ended in an error counts as use when it may succeed another day: it was cancelled, ran out of time, loaded
too many samples, or the storage failed. Errors that no server can help (many-to-many matching, duplicate series, invalid
parameters, an expression that does not parse) are no use. sentei's own queries do not count either: they end in the
comment ` + "`" + querylog.OwnMarker + "`" + `. Evaluations of rules are told apart from requests.

**What a query log never shows.** Declare these readers under ` + "`declared`" + `:

- federation (` + "`/federate`" + `) and remote read;
- in Prometheus, ` + "`/api/v1/series`, `/api/v1/labels` and `/api/v1/label/…/values`" + `, which Grafana variables use
  (the logs of Mimir, Thanos and VictoriaMetrics do show those that have a match[]);
- queries that could not be parsed, and those that are answered by a cache in front of the server;
- in the log of a query-frontend, queries that go past it.

**Slow-query logs are not complete**, so a log with slow queries only is a blocking problem. VictoriaMetrics logs requests
that took longer than ` + "`-search.logSlowQueryDuration`" + `: set it to 1ns for the time of observation. Mimir logs every request as
"query stats" (` + "`-query-frontend.query-stats-enabled`" + `, on by default). For Thanos, set
` + "`--query-frontend.log-queries-longer-than`" + ` below 0, which logs every request, and accept the problem. Remote
reads that these logs show without their selectors block as well.

**Rotation.** Name the rotated files too, as in ` + "`query.log*`" + `; those compressed by gzip are read as they are. The order
does not matter. A ` + "`.gz`" + ` that is still being made cannot be read to its end, which blocks until the next scan. The
active file may be written meanwhile: it is read as far as it reached when it was opened. Reload Prometheus after a
rotation, or it goes on writing to the renamed file.

**Gaps.** A log must cover ` + "`analysis.min_window`" + ` without a hole: a rotated file that is missing, or logging that was off for
weeks, would hide readers. Entries of every sort count, also those that failed and sentei's own. Spans between entries are
known from one hour on; one longer than ` + "`analysis.max_lag`" + ` and an hour more is a blocking problem. Where nothing is asked at
night, and no rules are evaluated, raise ` + "`analysis.max_lag`" + `. Give each server a query_log of its own: in one for all of them,
the log of one fills the gaps of another. Entries dated later than the inventory count as use, but do not show that the log
is still written.

**Broken lines** (a disk that was full, two writers) could hide a reader: they are a blocking problem that names file, line
and byte. A last line without an end is being written, and is no problem. A line may be up to 64 MiB long.

Lines that a container runtime has wrapped (CRI, Docker) are unwrapped. It splits lines above 16 KiB; those count as broken.
For the log of a process, name the format: then stack traces and the like are passed over.

A gigabyte is read in about a second, in less than 100 MB of memory. Memory goes with the distinct queries and their
readers, about 1.5 KB for each: a million of them take about 1.5 GB.`,
	Example: `- query_log:
    paths: [/prometheus/query.log*]   # files or glob patterns, relative to this file; plain or .gz
    format: auto                      # line by line; or: prometheus, mimir, thanos, victoriametrics
    max_broken_lines: 0               # how many lines of a file may be broken without blocking verdicts
`,
}, queryLogOptions{Format: querylog.FormatAuto}, newQueryLog)}

type queryLogOptions struct {
	Paths          []string `yaml:"paths"`
	Format         string   `yaml:"format"`
	MaxBrokenLines int64    `yaml:"max_broken_lines"`
}

type queryLogSource struct {
	env     source.Env
	options queryLogOptions
}

func newQueryLog(o queryLogOptions, env source.Env) (Source, error) {
	var errs []error
	if len(o.Paths) == 0 {
		errs = append(errs, errors.New("paths is missing: name the files of the query log"))
	}
	paths := make([]string, len(o.Paths))
	for i, p := range o.Paths {
		if _, err := filepath.Match(p, ""); err != nil || p == "" {
			errs = append(errs, fmt.Errorf("paths: %q is not a glob", p))
		}
		paths[i] = env.Path(p)
	}
	o.Paths = paths
	if !slices.Contains(querylog.Formats(), o.Format) {
		errs = append(errs, fmt.Errorf("format: %q is none of %s", o.Format, strings.Join(querylog.Formats(), ", ")))
	}
	if o.MaxBrokenLines < 0 {
		errs = append(errs, errors.New("max_broken_lines: must not be negative"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &queryLogSource{env: env, options: o}, nil
}

// Consumers returns one consumer for each query and sort of reader.
func (q *queryLogSource) Consumers(ctx context.Context) (*sentei.UsageData, error) {
	res, err := querylog.Read(ctx, querylog.Options{
		Patterns: q.options.Paths, Format: q.options.Format,
		Progress: func(done, total int64) { q.env.Meter.Set(done, total, "bytes") },
	})
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(res.Files, func(f querylog.File) bool { return f.Err == nil }) {
		return nil, res.Files[0].Err
	}
	c := res.Counts
	q.env.Logger.LogAttrs(ctx, slog.LevelDebug, "query log read",
		slog.Int("files", len(res.Files)), slog.Int64("bytes", c.Bytes), slog.Int64("lines", c.Lines),
		slog.Int64("entries", c.Entries), slog.Int64("used", c.Used), slog.Int64("failed", c.Failed),
		slog.Int64("own", c.Own), slog.Int64("blind", c.Blind), slog.Int64("other", c.Other),
		slog.Int64("broken", c.Broken), slog.Int64("torn", c.Torn), slog.Int("distinct", len(res.Queries)))

	data := &sentei.UsageData{
		Window:    sentei.Window{From: res.First, To: res.Last},
		Gaps:      res.Gaps,
		Consumers: make([]sentei.Consumer, len(res.Queries)),
		Problems:  q.problems(res),
	}
	for i := range res.Queries {
		data.Consumers[i] = q.consumer(&res.Queries[i])
	}
	return data, nil
}

func (q *queryLogSource) consumer(l *querylog.Query) sentei.Consumer {
	c := sentei.Consumer{
		Kind: sentei.Query, Backend: q.env.Backend, Source: q.env.Name,
		Name:       queryName(l.Text),
		Expression: sentei.Expression{Text: l.Text, Lang: l.Lang},
		Count:      l.Count, FirstSeen: l.First, LastSeen: l.Last, Origins: l.Origins,
	}
	origin := "request"
	if l.Rule {
		origin = "rule"
		c.Location = sentei.Location{File: l.GroupFile, Group: l.Group}
		c.Origins = []string{origin}
	}
	c.ID = sentei.HashID("query", c.Backend, c.Source, string(l.Lang), l.Text, origin, l.GroupFile, l.Group)
	return c
}

// maxQueryName is the length of a query's name in characters.
const maxQueryName = 80

// queryName puts the query on one line of at most maxQueryName characters.
func queryName(text string) string {
	// A character takes at most 4 bytes; the rest of a very long text does not
	// matter.
	const enough = 64 * maxQueryName
	cut := len(text) > enough
	if cut {
		text = strings.ToValidUTF8(text[:enough], "")
	}
	name := []rune(strings.Join(strings.Fields(text), " "))
	if len(name) >= maxQueryName && (cut || len(name) > maxQueryName) {
		return string(name[:maxQueryName-1]) + "…"
	}
	if cut {
		return string(name) + "…"
	}
	return string(name)
}

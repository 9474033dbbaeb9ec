package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sentei/sentei/internal/tsdbscan"
)

func newOverview() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "overview [PATH]",
		Short: "Print at once what the blocks of a TSDB directory hold",
		Long: `overview prints how many series each metric has, how many values each label and
how many series each label pair, from the postings table of the index alone:
tens of milliseconds for millions of series. It needs no configuration, reads
nothing of a running server and writes nothing.

PATH is the directory of --storage.tsdb.path, a snapshot or a single block;
without it the path of the backend's block source is taken.

The counts are exact for each block. Blocks are not added up, as most series
are in several of them, and the head (samples that no block has yet) is not
read: sentei report does both.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError{fmt.Errorf("%d arguments where one is needed: %s", len(args), cmd.UseLine())}
			}
			return nil
		},
		RunE: runOverview,
	}
	cmd.Flags().StringP("output", "o", "table", "format: table, json")
	addOutputFile(cmd)
	cmd.Flags().Int("top", 10, "number of metrics, labels and label pairs to list; 0 lists all")
	cmd.Flags().StringSlice("blocks", []string{"newest"}, "blocks to read: newest, all or their ULIDs")
	cmd.Flags().String("backend", "", "backend whose block source is read when there is no PATH (default: the only one)")
	return cmd
}

// overview is what the command prints, as in its JSON.
type overview struct {
	Path string `json:"path"`
	// BlocksInTotal is how many blocks the directory has, those that cannot be
	// read included.
	BlocksInTotal int `json:"blocks_in_total"`
	// HeadNotRead says that there is a head, which may hold more series.
	HeadNotRead bool            `json:"head_not_read"`
	Blocks      []blockOverview `json:"blocks"`
}

type blockOverview struct {
	ULID       string           `json:"ulid"`
	From       time.Time        `json:"from"`
	To         time.Time        `json:"to"`
	Series     int64            `json:"series"`
	Samples    uint64           `json:"samples"` // as meta.json says
	Metrics    int              `json:"metrics"`
	Labels     int              `json:"labels"`
	LabelPairs int64            `json:"label_pairs"`
	Entries    int64            `json:"label_pair_entries"`
	TopMetrics []metricOverview `json:"top_metrics"`
	TopLabels  []labelOverview  `json:"top_labels"`
	TopPairs   []pairOverview   `json:"top_label_pairs"`
}

type metricOverview struct {
	Name   string `json:"name"`
	Series int64  `json:"series"`
}

type labelOverview struct {
	Name       string `json:"name"`
	Values     int64  `json:"values"`
	ValueBytes int64  `json:"value_bytes"`
	Series     int64  `json:"series"`
}

type pairOverview struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Series int64  `json:"series"`
}

func runOverview(cmd *cobra.Command, args []string) error {
	output, _ := cmd.Flags().GetString("output")
	if output != "table" && output != "json" {
		return usageError{fmt.Errorf("--output is %q: want table or json", output)}
	}
	top, _ := cmd.Flags().GetInt("top")
	if top < 0 {
		return usageError{fmt.Errorf("--top is %d: want 0 or more", top)}
	}
	path, err := overviewPath(cmd, args)
	if err != nil {
		return err
	}
	wanted, _ := cmd.Flags().GetStringSlice("blocks")
	o, err := readOverview(path, wanted, top)
	if gone, ok := errors.AsType[*tsdbscan.BlockError](err); ok && gone.Gone() { // a compaction: its result is there by now
		o, err = readOverview(path, wanted, top)
	}
	if o == nil {
		return err
	}
	written := toOutput(cmd, func(w io.Writer) error {
		if output == "json" {
			e := json.NewEncoder(w)
			e.SetIndent("", "  ")
			e.SetEscapeHTML(false)
			return e.Encode(o)
		}
		return writeOverview(w, o)
	})
	return errors.Join(err, written)
}

// overviewPath returns PATH, or the path of a block source.
func overviewPath(cmd *cobra.Command, args []string) (string, error) {
	backend, _ := cmd.Flags().GetString("backend")
	if len(args) > 0 {
		if backend != "" {
			return "", usageError{errors.New("--backend and PATH exclude each other")}
		}
		return args[0], nil
	}
	c, err := loadConfig(cmd)
	if err != nil {
		return "", fmt.Errorf("%w; or give the TSDB directory: sentei overview PATH", err)
	}
	if backend == "" {
		if len(c.Backends) != 1 {
			return "", usageError{fmt.Errorf("there are %d backends: name one with --backend", len(c.Backends))}
		}
		backend = c.Backends[0].Name
	}
	path, _, err := blockPath(c, backend)
	if err != nil {
		return "", usageError{fmt.Errorf("%w, or as PATH", err)}
	}
	return path, nil
}

// readOverview reads the wanted blocks. It returns what it could read beside
// the error, and nil when that is nothing.
func readOverview(path string, wanted []string, top int) (*overview, error) {
	l, err := tsdbscan.List(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: is the volume mounted here?", err)
	}
	if err != nil {
		return nil, err
	}
	blocks, errs := chooseBlocks(l, wanted)
	o := &overview{Path: path, BlocksInTotal: len(l.Blocks) + len(l.Bad), HeadNotRead: l.Head}
	for i := range blocks {
		b := &blocks[i]
		read, err := tsdbscan.ReadOverview(b, top)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		o.Blocks = append(o.Blocks, newBlockOverview(b, read, top))
	}
	if len(o.Blocks) == 0 {
		o = nil
	}
	return o, errors.Join(errs...)
}

// chooseBlocks returns the blocks that --blocks names, oldest first, and what
// is wrong with some.
func chooseBlocks(l *tsdbscan.Listing, wanted []string) ([]tsdbscan.Block, []error) {
	var errs []error
	all := slices.Equal(wanted, []string{"all"})
	newest := slices.Equal(wanted, []string{"newest"})
	for _, e := range l.Bad {
		if all || newest || slices.Contains(wanted, e.Block.ULID) {
			errs = append(errs, e)
		}
	}
	switch {
	case len(l.Blocks)+len(l.Bad) == 0:
		return nil, []error{errors.New("there are no blocks yet: Prometheus writes the first one two to three hours after its first sample")}
	case all:
		return l.Blocks, errs
	case newest:
		if len(l.Blocks) == 0 {
			return nil, errs
		}
		last := slices.MaxFunc(l.Blocks, func(a, b tsdbscan.Block) int { return cmp.Compare(a.MaxTime, b.MaxTime) })
		return []tsdbscan.Block{last}, errs
	}
	var blocks []tsdbscan.Block
	for _, b := range l.Blocks {
		if slices.Contains(wanted, b.ULID) {
			blocks = append(blocks, b)
		}
	}
	for _, ulid := range wanted {
		known := slices.ContainsFunc(l.Blocks, func(b tsdbscan.Block) bool { return b.ULID == ulid }) ||
			slices.ContainsFunc(l.Bad, func(e *tsdbscan.BlockError) bool { return e.Block.ULID == ulid })
		if !known {
			errs = append(errs, fmt.Errorf("there is no block %q, or another block has replaced it: --blocks takes newest, all or ULIDs, here %s",
				ulid, strings.Join(ulids(l.Blocks), ", ")))
		}
	}
	return blocks, errs
}

func ulids(blocks []tsdbscan.Block) []string {
	var s []string
	for i := range blocks {
		s = append(s, blocks[i].ULID)
	}
	return s
}

func newBlockOverview(b *tsdbscan.Block, read *tsdbscan.Overview, top int) blockOverview {
	o := blockOverview{
		ULID: b.ULID, From: time.UnixMilli(b.MinTime).UTC(), To: time.UnixMilli(b.MaxTime).UTC(),
		Series: read.Series, Samples: b.Samples, Metrics: len(read.Metrics), Labels: len(read.Labels),
		LabelPairs: read.LabelPairs, Entries: read.Entries,
		TopMetrics: []metricOverview{}, TopLabels: []labelOverview{}, TopPairs: []pairOverview{},
	}
	for _, m := range first(read.Metrics, top) {
		o.TopMetrics = append(o.TopMetrics, metricOverview{m.Name, m.Count})
	}
	for _, l := range first(read.Labels, top) {
		o.TopLabels = append(o.TopLabels, labelOverview{l.Name, l.Values, l.Bytes, l.Series})
	}
	for _, p := range read.Pairs {
		o.TopPairs = append(o.TopPairs, pairOverview{p.Name, p.Value, p.Series})
	}
	return o
}

// first returns the first n items, all when n is 0.
func first[T any](s []T, n int) []T {
	if n == 0 {
		return s
	}
	return s[:min(n, len(s))]
}

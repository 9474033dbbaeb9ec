// Package querylog reads the logs in which Prometheus, Mimir, Thanos and
// VictoriaMetrics write down what they were asked. In go file patterns; out
// comes every distinct query with how often and when it was asked and by what
// kind of reader, and an account of what could not be read. It knows nothing
// of the query languages.
//
// A file is cut at newlines into blocks (blocks.go) that a few workers read
// side by side. Each line belongs to a dialect (dialect.go); the usual line of
// a Prometheus log takes a short way by hand (fast.go), every other line is
// read in full. Each worker counts in a table of its own (table.go), and the
// tables are merged at the end.
package querylog

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/sentei/sentei"
)

// OwnMarker is the comment at the end of every query that sentei sends.
const OwnMarker = "# sentei"

// IsOwn reports whether sentei itself sent the query.
func IsOwn(query string) bool {
	return strings.HasSuffix(strings.TrimSpace(query), OwnMarker)
}

// MaxLine is the length in bytes of the longest line that is read; a longer
// one counts as broken.
const MaxLine = 64 << 20

// MaxOrigins bounds Query.Origins.
const MaxOrigins = 16

// maxFirstBroken bounds File.FirstBroken.
const maxFirstBroken = 3

// Options say what to read, and how.
type Options struct {
	// Patterns are globs of files, plain or compressed by gzip. Their order
	// does not matter, and a file that several match is read once.
	Patterns []string
	// Format is one of Formats; empty means FormatAuto.
	Format string
	// Workers is how many goroutines read at a time; 0 means 2.
	Workers int
	// Progress is called with how many bytes of how many have been read, as they
	// lie on disk, by one goroutine at a time; nil is not called.
	Progress func(done, total int64)
}

// Result is what the files hold.
type Result struct {
	// Queries is sorted by text, language, and rule group.
	Queries []Query
	// First and Last are the times of the oldest and the newest entry, of
	// whatever sort. Both are zero when there is none.
	First, Last time.Time
	// Gaps are the spans in which no entry of whatever sort stands, from one
	// entry to the next, each longer than an hour, sorted.
	Gaps   []sentei.Window
	Counts Counts
	Files  []File // sorted by path
	// Unmatched are the patterns that no file matches.
	Unmatched []string
	// Moved says that files were rotated so often while they were being opened
	// that some may have been missed.
	Moved bool
	// Partial are the formats of which only slow requests were logged, sorted.
	Partial []string
}

// Query is one text, asked by one kind of reader: all requests over HTTP
// together, or one rule group.
type Query struct {
	Text string
	Lang sentei.Lang
	// Rule says that a rule group evaluated it: GroupFile and Group name it.
	Rule             bool
	GroupFile, Group string
	Count            int64
	// First and Last are zero when the entries bear no time.
	First, Last time.Time
	// Origins are HTTP paths, sorted, at most MaxOrigins of them.
	Origins []string
}

// Counts is how much was read. Entries are lines that tell of a request or an
// evaluation: Entries = Used + Failed + Own + Blind.
type Counts struct {
	Bytes   int64 // uncompressed
	Lines   int64
	Entries int64
	Used    int64 // counted in Queries
	Failed  int64 // ended in an error that it always ends in: nobody saw a result
	Own     int64 // sent by sentei
	Blind   int64 // read series that the entry does not name
	Other   int64 // lines that tell of something else
	Broken  int64 // lines that cannot be understood
	Torn    int64 // last lines without an end, not yet written in full
}

func (c *Counts) add(o Counts) {
	c.Bytes += o.Bytes
	c.Lines += o.Lines
	c.Entries += o.Entries
	c.Used += o.Used
	c.Failed += o.Failed
	c.Own += o.Own
	c.Blind += o.Blind
	c.Other += o.Other
	c.Broken += o.Broken
	c.Torn += o.Torn
}

// File is what became of one file.
type File struct {
	Path   string
	Counts Counts
	// FirstBroken are the first broken lines.
	FirstBroken []BrokenLine
	// Err is why the file could not be read, or not to its end.
	Err error
}

// BrokenLine is a line that cannot be understood.
type BrokenLine struct {
	Line   int64 // 1-based
	Offset int64 // of its first byte, uncompressed
	Reason string
}

// ErrNoFiles says that no file matches any pattern.
var ErrNoFiles = errors.New("no file matches")

// Read reads every file. What cannot be read is told in the result; the error
// is for a cancelled context, bad options, and patterns that match nothing.
func Read(ctx context.Context, o Options) (*Result, error) {
	if o.Workers <= 0 {
		o.Workers = 2
	}
	parse, err := lineParser(o.Format)
	if err != nil {
		return nil, err
	}
	files, res, err := open(o.Patterns)
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, f := range files {
			f.close()
		}
	}()
	workers := make([]*worker, o.Workers)
	for i := range workers {
		workers[i] = newWorker(parse)
	}
	progress := newProgress(o.Progress, files)
	for _, f := range files {
		read := f.read(ctx, workers, progress)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		res.Files = append(res.Files, read)
		res.Counts.add(read.Counts)
	}
	merge(res, workers)
	return res, nil
}

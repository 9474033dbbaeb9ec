package walscan

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"github.com/sentei/sentei/internal/files"
)

// segment is an open file of the log.
type segment struct {
	name string // relative to the log's directory
	file *os.File
	size int64 // when it was opened
	last bool  // Prometheus may still be writing to it
	// checkpoint says that it is of the checkpoint.
	checkpoint bool
}

// log is the open files of a write-ahead log, in the order in which they were
// written.
type log []segment

// size is how many bytes the files have together.
func (l log) size() (n int64) {
	for i := range l {
		n += l[i].size
	}
	return n
}

func (l log) close() {
	for _, s := range l {
		s.file.Close()
	}
}

// listing is what a log's directory holds.
type listing struct {
	checkpoint string // the last one, empty when there is none
	covered    int    // the last segment that went into it, -1 without
	segments   []int  // those after it, ascending
}

// tries is how often a log is listed and opened. Prometheus changes what is
// there once in some hours, so the second time is the last one.
const tries = 5

var errChanged = errors.New("segments are deleted faster than they can be opened")

// openLog opens all files of a log. It begins again when Prometheus has deleted
// some of them meanwhile.
func openLog(dir string) (log, error) {
	var failed error
	for range tries {
		before, err := list(dir)
		if err != nil {
			return nil, err
		}
		l, err := before.open(dir)
		if err != nil && !notThere(err) {
			return nil, err
		}
		if err == nil {
			// A directory is not listed in an instant. The second listing
			// shows whether the first one had holes.
			after, err := list(dir)
			if err != nil {
				l.close()
				return nil, err
			}
			if failed = after.holes(); failed == nil && after.continues(before) {
				return l, nil
			}
			l.close()
		}
	}
	if failed == nil {
		failed = errChanged
	}
	return nil, failed
}

func notThere(err error) bool { return errors.Is(err, fs.ErrNotExist) }

var (
	segmentName    = regexp.MustCompile(`^[0-9]{8,}$`)
	checkpointName = regexp.MustCompile(`^checkpoint\.([0-9]+)$`)
)

func list(dir string) (*listing, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	l := &listing{covered: -1}
	for _, e := range entries {
		if m := checkpointName.FindStringSubmatch(e.Name()); m != nil && e.IsDir() {
			n, err := strconv.Atoi(m[1])
			if err == nil && n > l.covered {
				l.checkpoint, l.covered = e.Name(), n
			}
		}
	}
	for _, n := range numbers(entries) {
		if n > l.covered {
			l.segments = append(l.segments, n)
		}
	}
	return l, nil
}

// numbers returns the numbers of the segments, ascending.
func numbers(entries []os.DirEntry) []int {
	var found []int
	for _, e := range entries {
		if !segmentName.MatchString(e.Name()) || e.IsDir() {
			continue
		}
		if n, err := strconv.Atoi(e.Name()); err == nil {
			found = append(found, n)
		}
	}
	slices.Sort(found)
	return found
}

// holes returns an error when a segment is missing.
func (l *listing) holes() error {
	for i, n := range l.segments {
		next := l.covered + 1
		if i > 0 {
			next = l.segments[i-1] + 1
		}
		if n != next && (i > 0 || l.checkpoint != "") {
			return fmt.Errorf("segment %08d is missing", next)
		}
	}
	return nil
}

// continues reports whether only new segments were added.
func (l *listing) continues(old *listing) bool {
	return l.checkpoint == old.checkpoint && len(l.segments) >= len(old.segments) &&
		slices.Equal(l.segments[:len(old.segments)], old.segments)
}

func (l *listing) open(dir string) (log, error) {
	var opened log
	if l.checkpoint != "" {
		entries, err := os.ReadDir(filepath.Join(dir, l.checkpoint))
		if err != nil {
			return nil, err
		}
		inside := numbers(entries)
		for i, n := range inside {
			if n != i {
				return nil, fmt.Errorf("%s: segment %08d is missing", l.checkpoint, i)
			}
			if err := opened.add(dir, filepath.Join(l.checkpoint, fmt.Sprintf("%08d", n))); err != nil {
				opened.close()
				return nil, err
			}
			opened[len(opened)-1].checkpoint = true
		}
	}
	for i, n := range l.segments {
		if err := opened.add(dir, fmt.Sprintf("%08d", n)); err != nil {
			opened.close()
			return nil, err
		}
		opened[len(opened)-1].last = i == len(l.segments)-1
	}
	return opened, nil
}

func (l *log) add(dir, name string) error {
	f, err := files.Open(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return err
	}
	*l = append(*l, segment{name: name, file: f, size: info.Size()})
	return nil
}

// checkpoint returns the part of a log that is the checkpoint.
func (l log) checkpoint() log {
	n := 0
	for n < len(l) && l[n].checkpoint {
		n++
	}
	return l[:n]
}

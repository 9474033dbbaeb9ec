package querylog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// openAttempts is how often the files are opened anew because they were
// rotated meanwhile.
const openAttempts = 3

// logFile is one file, opened before any of them is read: from then on a
// rename or a removal does not matter.
type logFile struct {
	path string
	f    *os.File
	info os.FileInfo
	err  error
}

func (f *logFile) close() {
	if f.f != nil {
		f.f.Close()
	}
}

// open opens every file that the patterns match, sorted by path.
func open(patterns []string) ([]*logFile, *Result, error) {
	res := &Result{}
	for attempt := 1; ; attempt++ {
		paths, unmatched, err := expand(patterns)
		if err != nil {
			return nil, nil, err
		}
		if len(paths) == 0 {
			return nil, nil, fmt.Errorf("%w %s", ErrNoFiles, strings.Join(patterns, ", "))
		}
		files := openAll(paths)
		res.Unmatched = unmatched
		res.Moved = !settled(patterns, paths, files)
		if !res.Moved || attempt == openAttempts {
			return distinct(files), res, nil
		}
		for _, f := range files {
			f.close()
		}
	}
}

// expand returns the paths that the patterns match, sorted. A compressed file
// and its namesake both count: they may differ, and to read an entry twice
// makes nothing unused.
func expand(patterns []string) (paths, unmatched []string, err error) {
	for _, p := range patterns {
		found, err := filepath.Glob(p)
		if err != nil {
			return nil, nil, fmt.Errorf("path %s: %w", p, err)
		}
		if len(found) == 0 {
			unmatched = append(unmatched, p)
		}
		paths = append(paths, found...)
	}
	slices.Sort(paths)
	return slices.Compact(paths), unmatched, nil
}

func openAll(paths []string) []*logFile {
	files := make([]*logFile, len(paths))
	for i, p := range paths {
		files[i] = openOne(p)
	}
	return files
}

func openOne(path string) *logFile {
	// Opening a pipe would wait for its writer.
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("read query log %s: not a regular file", path)
	}
	if err != nil {
		return &logFile{path: path, err: err}
	}
	f, err := os.Open(path)
	if err != nil {
		return &logFile{path: path, err: err}
	}
	if info, err = f.Stat(); err != nil {
		f.Close()
		return &logFile{path: path, err: err}
	}
	return &logFile{path: path, f: f, info: info}
}

// settled reports whether the patterns still match the same files.
func settled(patterns, paths []string, files []*logFile) bool {
	again, _, err := expand(patterns)
	if err != nil || !slices.Equal(paths, again) {
		return false
	}
	for _, f := range files {
		if f.f == nil {
			continue // it is reported; one that is gone changes paths
		}
		if now, err := os.Stat(f.path); err != nil || !os.SameFile(f.info, now) {
			return false
		}
	}
	return true
}

// distinct drops the files that are open under another name already.
func distinct(files []*logFile) []*logFile {
	var out []*logFile
	for _, f := range files {
		twin := f.f != nil && slices.ContainsFunc(out, func(o *logFile) bool {
			return o.f != nil && os.SameFile(o.info, f.info)
		})
		if twin {
			f.close()
			continue
		}
		out = append(out, f)
	}
	return out
}

// read reads the file as long as it was when it was opened: what is appended
// meanwhile is left to the next time.
func (f *logFile) read(ctx context.Context, workers []*worker, progress *progress) File {
	out := File{Path: f.path, Err: f.err}
	if f.err != nil {
		return out
	}
	r, err := f.reader(progress)
	if err != nil {
		out.Err = fmt.Errorf("read query log %s: %w", f.path, err)
		return out
	}
	b := newBlocks(r)
	var wg sync.WaitGroup
	for _, w := range workers {
		wg.Go(func() { w.readFile(ctx, b) })
	}
	wg.Wait()
	for _, w := range workers {
		out.Counts.add(w.fileCounts)
	}
	out.FirstBroken = firstBroken(workers, b)
	if b.err != nil {
		out.Err = fmt.Errorf("read query log %s: %w", f.path, b.err)
	} else if now, err := f.f.Stat(); err == nil && now.Size() < f.info.Size() {
		out.Err = fmt.Errorf("read query log %s: truncated to %d bytes while being read", f.path, now.Size())
	}
	return out
}

// reader returns the content, uncompressed.
func (f *logFile) reader(progress *progress) (io.Reader, error) {
	var magic [2]byte
	if n, err := f.f.ReadAt(magic[:], 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	} else if n == 2 && magic == [2]byte{0x1f, 0x8b} {
		return gzip.NewReader(progress.of(f.f))
	}
	return io.LimitReader(progress.of(f.f), f.info.Size()), nil
}

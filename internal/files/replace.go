package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// abandoned is how old a temporary file is when nobody writes it any more.
const abandoned = 24 * time.Hour

// Replace writes a file in one step, so that a reader, or a crash, never sees
// half of it; of two writers the last one wins. The folder is made if it is
// missing. When write fails, the file stays as it was.
func Replace(path string, mode fs.FileMode, write func(io.Writer) error) (err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	temporary := "." + filepath.Base(path) + ".*"
	f, err := os.CreateTemp(dir, temporary)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if err := removeAbandoned(f, filepath.Join(quote(dir), temporary)); err != nil {
		return err
	}
	if err := write(f); err != nil {
		return err
	}
	if err := errors.Join(f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(f.Name(), path)
}

// removeAbandoned removes what processes that were killed have left. The new
// file tells what time it is there.
func removeAbandoned(f *os.File, pattern string) error {
	own, err := f.Stat()
	if err != nil {
		return err
	}
	names, err := filepath.Glob(pattern)
	if err != nil {
		return err
	}
	for _, name := range names {
		if info, err := os.Lstat(name); err == nil && own.ModTime().Sub(info.ModTime()) > abandoned {
			os.Remove(name)
		}
	}
	return nil
}

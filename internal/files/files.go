// Package files finds and reads the files that a source is given by glob
// patterns. In go patterns as the user wrote them; out come files with names
// that are the same on every machine, and problems for what is missing.
package files

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/source"
)

// MaxSize is the size in bytes above which a file is not read.
const MaxSize = 64 << 20

// File is a file that was found.
type File struct {
	// Name is the path as reports show it: relative if the pattern is, with
	// slashes.
	Name string
	path string
}

// Check returns an error if there is no pattern, or one that can never match
// what its author means. field is the option that holds the patterns.
func Check(field string, patterns []string) error {
	if len(patterns) == 0 {
		return fmt.Errorf("%s: at least one path or glob pattern is needed", field)
	}
	for _, p := range patterns {
		if _, err := filepath.Match(p, ""); err != nil || p == "" {
			return fmt.Errorf("%s: %q is no valid glob pattern", field, p)
		}
		if strings.Contains(p, "**") {
			return fmt.Errorf("%s: %q: ** is not supported, name each folder", field, p)
		}
	}
	return nil
}

// Find returns the files that the patterns match, each once, sorted by name. A
// folder stands for the files below it whose names end in ext, hidden folders
// left out; with an empty ext it is a problem. So is a pattern that matches no
// file. All problems block.
func Find(env source.Env, patterns []string, ext string) ([]File, []sentei.Problem) {
	f := finder{env: env, ext: ext, seen: map[string]bool{}}
	for _, pattern := range patterns {
		matches, err := Glob(env.Dir, pattern)
		if err != nil {
			f.problem(pattern, err, "")
			continue
		}
		before := f.matched
		for _, m := range matches {
			f.add(f.name(pattern, m), m)
		}
		if f.matched == before {
			f.problem(pattern, fmt.Errorf("no file matches %s", pattern), "correct the pattern, or remove it")
		}
	}
	slices.SortFunc(f.files, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	return f.files, f.problems
}

// Glob returns the paths that a pattern matches, sorted. A pattern that is not
// absolute starts at dir, whose own name is no pattern. An error means that the
// pattern is malformed.
func Glob(dir, pattern string) ([]string, error) {
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(quote(dir), pattern)
	}
	return filepath.Glob(pattern)
}

// quote returns the path as a glob pattern that matches only it.
func quote(path string) string {
	if filepath.Separator == '\\' {
		return path // glob patterns have no escape character there
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

type finder struct {
	env      source.Env
	ext      string
	seen     map[string]bool // by path
	matched  int             // files seen again included
	files    []File
	problems []sentei.Problem
}

func (f *finder) problem(where string, err error, hint string) {
	f.problems = append(f.problems, f.env.Problem(sentei.Problem{
		Where: where, Message: err.Error(), Hint: hint, Blocking: true,
	}))
}

// name returns how the user would write the path.
func (f *finder) name(pattern, path string) string {
	if !filepath.IsAbs(pattern) {
		if rel, err := filepath.Rel(filepath.Clean(f.env.Dir), path); err == nil {
			path = rel
		}
	}
	return filepath.ToSlash(path)
}

// add adds the file, or the files below the folder.
func (f *finder) add(name, path string) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		f.matched++
		f.problem(name, fmt.Errorf("read file: %w", cause(err)), "")
	case info.IsDir():
		f.folder(name, path, nil)
	case !info.Mode().IsRegular():
		f.matched++
		f.problem(name, fmt.Errorf("read file: %w", irregular(info.Mode())), "")
	default:
		f.matched++
		if path = filepath.Clean(path); !f.seen[path] {
			f.seen[path] = true
			f.files = append(f.files, File{name, path})
		}
	}
}

// folder adds the files below a folder. Links are followed; above are the
// real paths of the folders around it.
func (f *finder) folder(name, path string, above []string) {
	if f.ext == "" {
		f.matched++
		f.problem(name, errors.New("is a folder"), "name its files, as "+name+"/*")
		return
	}
	target, err := filepath.EvalSymlinks(path)
	var entries []fs.DirEntry
	if err == nil {
		entries, err = os.ReadDir(path)
	}
	if err != nil {
		f.matched++
		f.problem(name, fmt.Errorf("read folder: %w", cause(err)), "")
		return
	}
	if slices.Contains(above, target) {
		return // a link to a folder around it
	}
	above = append(slices.Clip(above), target)
	for _, e := range entries {
		entryName, entryPath := name+"/"+e.Name(), filepath.Join(path, e.Name())
		isDir := e.IsDir()
		if e.Type()&fs.ModeSymlink != 0 {
			info, err := os.Stat(entryPath)
			isDir = err == nil && info.IsDir()
		}
		switch {
		case isDir && !strings.HasPrefix(e.Name(), "."):
			f.folder(entryName, entryPath, above)
		case !isDir && strings.EqualFold(filepath.Ext(e.Name()), f.ext):
			f.add(entryName, entryPath)
		}
	}
}

// cause returns an error without the path of this machine.
func cause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

// Read returns the content of the file. Files above MaxSize are an error.
func Read(file File) ([]byte, error) {
	in, err := Open(file.path)
	if err != nil {
		return nil, fmt.Errorf("read file: %w", cause(err))
	}
	defer in.Close()
	data, err := io.ReadAll(io.LimitReader(in, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read file: %w", cause(err))
	}
	if len(data) > MaxSize {
		return nil, fmt.Errorf("the file is larger than %d MiB", MaxSize>>20)
	}
	return data, nil
}

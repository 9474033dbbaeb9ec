package notify

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
	"time"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/files"
	"github.com/sentei/sentei/internal/source"
)

var fileChannel = source.New("files", sentei.Doc{
	Title: "Writes each report to files in a folder.",
	Text: `
Each report gets a folder of its own in the directory, named after the report and, where it is split up, the part; in it
lies the newest report in each format that was asked for:

    reports/weekly/report.html
    reports/weekly--owner-payments/report.html

Unless ` + "`history: false`" + ` is set, each report is also kept, in a folder named by the instant that it speaks of (UTC), until
there are more than ` + "`keep`" + ` of them (52 when it is not set):

    reports/weekly/history/2026-11-23T09-00-00Z/report.html

A file is replaced in one step and a folder of the history appears complete, so a reader, or a crash, never sees half of
one. When a format is taken out of the report, its last file stays where it is. Characters other than letters, digits, dots,
hyphens and underscores in the name of a report or part become hyphens; a few digits are added then, so that names stay
distinct.

A write that fails, for want of space or rights, is tried again.
`,
	Example: `- files:
    directory: /var/lib/sentei/reports # relative to the configuration file
    history: true                # the default: keep each report; false keeps the newest alone
    keep: 52                     # the default: so many of each; 0 keeps all
`,
}, fileOptions{History: true, Keep: 52}, newFiles)

type fileOptions struct {
	Directory string `yaml:"directory"`
	History   bool   `yaml:"history"`
	Keep      int    `yaml:"keep"`
}

type folderChannel struct {
	fileOptions
	mu sync.Mutex // one delivery at a time
}

func newFiles(o fileOptions, env source.Env) (Channel, error) {
	if o.Directory == "" {
		return nil, errors.New("directory is missing: set it to a folder for reports")
	}
	if o.Keep < 0 {
		return nil, fmt.Errorf("keep is %d: it must be 0, for all, or more", o.Keep)
	}
	o.Directory = env.Path(o.Directory)
	return &folderChannel{fileOptions: o}, nil
}

// instant names a folder of the history.
const instant = "2006-01-02T15-04-05Z"

// Deliver implements Channel. The history comes first: when the newest report
// is there, so is its place in the history.
func (c *folderChannel) Deliver(ctx context.Context, m *Message) error {
	for _, f := range m.Files {
		if f.Name != filepath.Base(f.Name) || strings.HasPrefix(f.Name, ".") || strings.ContainsAny(f.Name, `/\`) {
			return &Refused{Err: fmt.Errorf("%q is no name for a file", f.Name)}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	folder := filepath.Join(c.Directory, seriesName(m))
	if c.History {
		if err := c.keepReport(ctx, filepath.Join(folder, "history"), m); err != nil {
			return err
		}
	}
	return writeFiles(ctx, folder, m.Files)
}

// keepReport puts the report into the history and removes the oldest ones.
func (c *folderChannel) keepReport(ctx context.Context, history string, m *Message) error {
	name := filepath.Join(history, m.At.UTC().Format(instant))
	if _, err := os.Lstat(name); err == nil { // delivered before
		if err := writeFiles(ctx, name, m.Files); err != nil {
			return err
		}
	} else {
		unfinished := filepath.Join(history, ".new")
		if err := os.RemoveAll(unfinished); err != nil {
			return err
		}
		if err := os.MkdirAll(unfinished, 0o755); err != nil {
			return err
		}
		if err := writeFiles(ctx, unfinished, m.Files); err != nil {
			return err
		}
		if err := os.Rename(unfinished, name); err != nil {
			return err
		}
	}
	return c.forget(history)
}

// forget removes the oldest folders of the history. A folder gets another name
// first, so that no half of it remains under its own.
func (c *folderChannel) forget(history string) error {
	removed := filepath.Join(history, ".removed")
	if err := os.RemoveAll(removed); err != nil {
		return err
	}
	entries, err := os.ReadDir(history)
	if err != nil || c.Keep == 0 {
		return err
	}
	var kept []string
	for _, e := range entries {
		if _, err := time.Parse(instant, e.Name()); err == nil && e.IsDir() {
			kept = append(kept, e.Name())
		}
	}
	slices.Sort(kept)
	for len(kept) > c.Keep {
		if err := os.Rename(filepath.Join(history, kept[0]), removed); err != nil {
			return err
		}
		if err := os.RemoveAll(removed); err != nil {
			return err
		}
		kept = kept[1:]
	}
	return nil
}

// writeFiles replaces the files in a folder, each in one step.
func writeFiles(ctx context.Context, folder string, list []File) error {
	for _, f := range list {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		err := files.Replace(filepath.Join(folder, f.Name), 0o644, func(w io.Writer) error {
			_, err := w.Write(f.Body)
			return err
		})
		if err != nil {
			return fmt.Errorf("write %s: %w", f.Name, err)
		}
	}
	return nil
}

package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/sentei/sentei/deploy/mixin"
	"github.com/sentei/sentei/internal/files"
)

func newMixin() *cobra.Command {
	return &cobra.Command{
		Use:   "mixin DIR",
		Short: "Write the Grafana dashboards and the alerts on sentei's own metrics to a folder",
		Long: `Writes the dashboards, the alerts with their recording rules, and a jsonnet file
that puts them together. Files of the same names are replaced.`,
		Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error { return writeMixin(cmd.OutOrStdout(), args[0]) },
	}
}

// writeMixin writes every file in one step and prints its path.
func writeMixin(stdout io.Writer, dir string) error {
	from := mixin.Files()
	return fs.WalkDir(from, ".", func(name string, d fs.DirEntry, err error) error {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err != nil {
			return err
		}
		if d.IsDir() {
			if err := os.MkdirAll(path, 0o755); err != nil {
				return fmt.Errorf("make folder %s: %w", path, err)
			}
			return nil
		}
		text, err := fs.ReadFile(from, name)
		if err != nil {
			return err
		}
		err = files.Replace(path, 0o644, func(w io.Writer) error {
			_, err := w.Write(text)
			return err
		})
		if err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
		_, err = fmt.Fprintln(stdout, path)
		return err
	})
}

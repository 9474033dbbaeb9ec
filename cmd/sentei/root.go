package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/prometheus/common/promslog"
	"github.com/spf13/cobra"

	"github.com/sentei/sentei/internal/config"
)

// Exit codes of every command.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2 // wrong flags or configuration
	exitFound       = 3 // something that --fail-on names was found, or a target is out of reach
	exitInterrupted = 130
)

// usageError is a mistake in flags, arguments or configuration.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// foundError says that something that --fail-on names was found, or that a
// target is out of reach.
type foundError struct{ error }

// Run runs the command that args name and returns its exit code. Reports go to
// stdout, logs and errors to stderr.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	// A command that was stopped as asked, such as serve, returned nil above.
	if ctx.Err() != nil {
		fmt.Fprintln(stderr, "sentei: interrupted")
		return exitInterrupted
	}
	fmt.Fprintln(stderr, "sentei:", err)
	if _, found := errors.AsType[foundError](err); found {
		return exitFound
	}
	if _, usage := errors.AsType[usageError](err); usage {
		return exitUsage
	}
	return exitFailure
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "sentei",
		Short: "Cut what Prometheus metrics cost without changing what anyone sees",
		Long: `sentei (剪定, pruning) scans what a Prometheus stores and who reads it: alerts,
recording rules, dashboards and the query log. It says what every metric costs,
which ones nobody needs and why, and proposes the relabel rules to drop them.

It never changes a monitoring system: it writes files for review.

Work that takes more than a second shows how far it is when stderr is a
terminal, unless --log.format=json.

Exit codes: 0 ok, 1 failure, 2 usage or configuration error, 3 something that
--fail-on names was found or a target is out of reach, 130 interrupted.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w (see %s --help)", err, cmd.CommandPath())}
	})
	root.PersistentFlags().String("config.file", "config.yaml", "configuration file")
	config.AddLogFlags(root.PersistentFlags())
	root.AddCommand(
		newServe(), newOverview(), newReport(), newPropose(), newRehearse(), newDecide(), newHistory(), newDiff(), newDeliver(), newExplain(), newCheck(), newConfig(), newMixin(),
		newVersion(),
	)
	return root
}

// noArgs refuses arguments with the exit code of a usage error.
func noArgs(cmd *cobra.Command, args []string) error { return exactly(0)(cmd, args) }

// exactly asks for n arguments.
func exactly(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		if n == 0 {
			return usageError{fmt.Errorf("unknown command or argument %q (see %s --help)", args[0], cmd.CommandPath())}
		}
		return usageError{fmt.Errorf("%d arguments where %d are needed: %s", len(args), n, cmd.UseLine())}
	}
}

// loadConfig reads the configuration that the flags name.
func loadConfig(cmd *cobra.Command) (*config.Config, error) {
	path, err := cmd.Flags().GetString("config.file")
	if err != nil {
		return nil, err
	}
	c, err := config.Load(path, config.Overlay{Flags: cmd.Flags(), Environ: os.Environ()})
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, usageError{fmt.Errorf("%w: name yours with --config.file, or begin with: sentei config > config.yaml", err)}
	case err != nil:
		return nil, usageError{err}
	}
	return c, nil
}

// newLogger returns a logger that writes to the command's stderr.
func newLogger(cmd *cobra.Command, c config.Log) (*slog.Logger, error) {
	return newLoggerTo(cmd.ErrOrStderr(), c)
}

// newProgressLogger returns a logger to the command's stderr, and the progress
// line there if that is a terminal.
func newProgressLogger(cmd *cobra.Command, c config.Log) (*slog.Logger, *progressLine, error) {
	line := newProgressLine(cmd, c)
	if line == nil {
		logger, err := newLogger(cmd, c)
		return logger, nil, err
	}
	logger, err := newLoggerTo(line, c)
	return logger, line, err
}

func newLoggerTo(w io.Writer, c config.Log) (*slog.Logger, error) {
	level, format := promslog.NewLevel(), promslog.NewFormat()
	if err := level.Set(c.Level); err != nil {
		return nil, usageError{fmt.Errorf("log.level: %w", err)}
	}
	if err := format.Set(c.Format); err != nil {
		return nil, usageError{fmt.Errorf("log.format: %w", err)}
	}
	return promslog.New(&promslog.Config{Level: level, Format: format, Writer: w}), nil
}

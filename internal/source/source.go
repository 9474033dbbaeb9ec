// Package source builds the members of a family (inventory sources, usage
// sources, rules) from the configuration. In goes a YAML node and an Env; out
// comes a ready member, or an error that names the line.
package source

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/sentei/sentei"
)

// Env is what a member may use beside its own options.
type Env struct {
	Backend string // the backend that it belongs to
	Name    string // its own name, unique within the backend's family
	Dir     string // relative paths are relative to it: the configuration file's folder
	Logger  *slog.Logger
	Now     func() time.Time
	Meter   *Meter // counts how far it has come; may be nil
	// CacheDir is a folder for what makes the next scan faster; empty for none.
	CacheDir string
}

// Path returns the path made relative to the configuration file's folder.
// Absolute paths are returned as they are.
func (e Env) Path(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(e.Dir, path)
}

// Problem returns a problem of this source, its ID filled in.
func (e Env) Problem(p sentei.Problem) sentei.Problem {
	p.Backend, p.Source = e.Backend, e.Name
	p.ID = sentei.HashID("problem", p.Backend, p.Source, p.Where, p.Message)
	return p
}

// Info describes one member of a family whose members implement S.
type Info[S any] struct {
	Kind  string // its name in the configuration
	Doc   sentei.Doc
	build func(*yaml.Node, Env) (S, error)
}

// New describes a member with options of type O. Options that the
// configuration leaves out keep the value they have in defaults. build checks
// the options and returns an error that says which one is wrong and why.
func New[S, O any](kind string, doc sentei.Doc, defaults O, build func(O, Env) (S, error)) Info[S] {
	return Info[S]{Kind: kind, Doc: doc, build: func(node *yaml.Node, env Env) (S, error) {
		options := defaults
		if node != nil && node.Tag != "!!null" {
			if err := node.Load(&options, yaml.WithKnownFields()); err != nil {
				var none S
				return none, YAMLError(err)
			}
		}
		member, err := build(options, env)
		if err != nil {
			var none S
			if node != nil {
				return none, fmt.Errorf("line %d: %s: %w", node.Line, kind, err)
			}
			return none, fmt.Errorf("%s: %w", kind, err)
		}
		return member, nil
	}}
}

// Build makes the member from its options; node may be nil for defaults.
// Unknown options are an error with their line.
func (i Info[S]) Build(node *yaml.Node, env Env) (S, error) { return i.build(node, env) }

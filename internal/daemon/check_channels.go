package daemon

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/sentei/sentei/exporters/notify"
)

// CheckChannels looks at the files that deliveries would read and write. The
// error holds every mistake found, each with its line. A daemon starts without
// asking: the files may come later.
func CheckChannels(ctx context.Context, reports []*Scheduled) error {
	var errs []error
	for _, s := range reports {
		for _, c := range s.Channels {
			checker, ok := c.Channel.(notify.Checker)
			if !ok {
				continue
			}
			for _, m := range checker.Check(ctx) {
				errs = append(errs, fmt.Errorf("line %d: report %s: %s: %s: %w",
					lineOf(c.options, m.Option), s.Name, c.Name, strings.Join(m.Option, "."), m.Err))
			}
		}
	}
	return errors.Join(errs...)
}

// lineOf returns the line of an option, or of what holds it.
func lineOf(options *yaml.Node, keys []string) int {
	line := options.Line
	for _, key := range keys {
		if options.Kind == yaml.AliasNode {
			options = options.Alias
		}
		found := false
		for i := 0; i+1 < len(options.Content) && options.Kind == yaml.MappingNode && !found; i += 2 {
			if options.Content[i].Value == key {
				line, found = options.Content[i].Line, true
				options = options.Content[i+1]
			}
		}
		if !found {
			break
		}
	}
	return line
}

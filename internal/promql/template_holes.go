package promql

import (
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
)

// Names that stand in the rewritten text for what a Grafana variable may hold.
const (
	holeMark = "__sentei_hole__" // a label name, or a matcher of any kind
	padMark  = "__sentei_pad__"  // a matcher that only keeps the parser content
	callMark = "__sentei_call_"  // a function call whose function is not known
)

// holes are the places of a rewritten template that a Grafana variable fills.
// The methods of a nil *holes find none.
type holes struct {
	// calls are the arguments of function calls whose function is a variable.
	calls map[string][]string
	// analyze walks one of these arguments.
	analyze func(text string, s scope)
}

func (h *holes) inHole(name string) bool { return h != nil && strings.Contains(name, holeMark) }

func (h *holes) anyHole(names []string) bool { return slices.ContainsFunc(names, h.inHole) }

// wildMatchers returns the matchers that are really there, and whether a
// variable may add others.
func (h *holes) wildMatchers(ms []*labels.Matcher) (kept []*labels.Matcher, wild bool) {
	if h == nil {
		return ms, false
	}
	kept = slices.DeleteFunc(slices.Clone(ms), func(m *labels.Matcher) bool {
		wild = wild || m.Name == holeMark
		return m.Name == holeMark || m.Name == padMark
	})
	return kept, wild
}

// placeholder handles a selector that stands for a call of an unknown
// function: it may do anything with its arguments.
func (h *holes) placeholder(name string, s scope) bool {
	if h == nil || !strings.HasPrefix(name, callMark) {
		return false
	}
	args, ok := h.calls[name]
	if !ok {
		return false
	}
	for _, arg := range args {
		h.analyze(arg, s.under("a function named by a variable").unknown())
	}
	return true
}

// call registers the arguments and returns the name that stands for the call.
func (h *holes) call(args []string) string {
	name := callMark + strconv.Itoa(len(h.calls)) + "__"
	h.calls[name] = args
	return name
}

package promql

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// RangeVariables are the Grafana variables that stand for whole ranges in a
// text, as [$__rate_interval]. With ranges in their place the text can be
// parsed, changed and printed.
type RangeVariables []string

var rangeVariable = regexp.MustCompile(`\[\s*(\$\w+|\$\{\w+\})\s*\]`)

// firstStand is a range that nobody writes; those of the variables count on
// from there.
const firstStand = 1_234_567 * time.Millisecond

// stand returns the range that stands for the i-th variable, in the form in
// which PromQL is printed.
func stand(i int) string {
	return "[" + model.Duration(firstStand+time.Duration(i)*time.Millisecond).String() + "]"
}

// Hide puts ranges in the place of variables.
func (v *RangeVariables) Hide(text string) string {
	return rangeVariable.ReplaceAllStringFunc(text, func(s string) string {
		name := rangeVariable.FindStringSubmatch(s)[1]
		i := slices.Index(*v, name)
		if i < 0 {
			i = len(*v)
			*v = append(*v, name)
		}
		return stand(i)
	})
}

// Show puts the variables back.
func (v RangeVariables) Show(text string) string {
	for i, name := range v {
		text = strings.ReplaceAll(text, stand(i), "["+name+"]")
	}
	return text
}

// Stands reports whether the range stands for a variable.
func (v RangeVariables) Stands(r time.Duration) bool {
	return r >= firstStand && r < firstStand+time.Duration(len(v))*time.Millisecond
}

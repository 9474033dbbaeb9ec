package blockgen

import (
	"fmt"
	"slices"
	"strings"
)

// pairs are names and values of labels by turns. A label with an empty value
// is none.
type pairs []string

// target is what is scraped, or an object that one scrape tells of, such as a
// container.
type target struct {
	labels   pairs
	from, to int64 // minutes since the cluster began; to is exclusive
	number   int   // which of its kind
	ids      []uint32
}

// exporter is targets of one kind: all have the same metrics.
type exporter struct {
	targets  []target
	families []family
}

// family is one metric of every target of an exporter.
type family struct {
	name   string
	values Values
	points []pairs               // the series that a target has
	of     func(*target) []pairs // instead of points, if every target has its own
}

// series returns the further labels of each series that a target has.
func (f *family) series(t *target) []pairs {
	if f.of != nil {
		return f.of(t)
	}
	return f.points
}

// concat returns all families in one list.
func concat(all ...[]family) []family { return slices.Concat(all...) }

// plain returns metrics with one series a target.
func plain(values Values, prefix string, names string) []family {
	return labelled(values, prefix, names, []pairs{{}})
}

// labelled returns metrics with one series for each of the points. The names
// stand between spaces.
func labelled(values Values, prefix, names string, points []pairs) []family {
	var all []family
	for n := range strings.FieldsSeq(names) {
		all = append(all, family{name: prefix + n, values: values, points: points})
	}
	return all
}

// histogram returns the metrics of a classic histogram; points may be nil.
func histogram(name, bounds string, points []pairs) []family {
	if points == nil {
		points = []pairs{{}}
	}
	return []family{
		{name: name + "_bucket", values: Slow, points: cross(points, label("le", strings.Fields(bounds)...))},
		{name: name + "_sum", values: Gauge, points: points},
		{name: name + "_count", values: Counter, points: points},
	}
}

// label returns one point for each value of a label.
func label(name string, values ...string) []pairs {
	var all []pairs
	for _, v := range values {
		all = append(all, pairs{name, v})
	}
	return all
}

// numbered returns one point for each number below n, printed with the format.
func numbered(name, format string, n int) []pairs {
	var values []string
	for i := range n {
		values = append(values, fmt.Sprintf(format, i))
	}
	return label(name, values...)
}

// cross combines every point of a with every one of b.
func cross(a, b []pairs) []pairs {
	var all []pairs
	for _, x := range a {
		for _, y := range b {
			all = append(all, slices.Concat(x, y))
		}
	}
	return all
}

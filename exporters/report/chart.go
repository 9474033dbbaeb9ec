package report

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sentei/sentei/internal/number"
)

// A layer is one of the amounts that make up a whole, at each instant.
type layer struct {
	name, class string // without a name it is the only one, and drawn as a line
	values      []float64
}

// A chart shows how a whole and its parts developed: areas on each other. It is
// drawn for wide screens and for narrow ones.
type chart struct {
	Title string // what is drawn, with its unit
	Sizes []drawing
}

// A drawing is a chart at one size, in pixels.
type drawing struct {
	ID, Title, Desc string
	Class           string
	W, H            float64
	Left, Right     float64 // edges of the plot
	Base            float64 // y of the time axis
	Areas           []chartArea
	Lines           []chartLine // of amounts
	Times           []chartText
	Names           []chartText // of the areas, at their end
}

// A chartArea reaches from the axis to the top of its layer. Those that are
// drawn later cover the lower part of those before.
type chartArea struct {
	Class, Name string
	Path        string // closed
	Edge        string // its upper line
}

type chartLine struct {
	Y    float64
	Text string
}

type chartText struct {
	X, Y   float64
	Anchor string
	Class  string
	Text   string
}

const (
	chartLeft   = 46.0 // room for amounts
	chartRight  = 82.0 // room for the names of areas
	chartEdge   = 8.0  // room where they have none
	chartTop    = 10.0
	chartBottom = 24.0 // room for times
	nameHeight  = 14.0
)

// newChart draws layers, the lowest first. There must be at least two instants,
// in order, and a value of each layer for each of them.
func newChart(id, title, desc string, times []time.Time, layers []layer) chart {
	c := chart{Title: title}
	for _, size := range []struct {
		class string
		w, h  float64
	}{{"wide", 524, 230}, {"narrow", 360, 220}} {
		right := chartRight
		if layers[0].name == "" {
			right = chartEdge
		}
		d := drawing{
			ID: id + "-" + size.class, Title: title, Desc: desc, Class: size.class, W: size.w, H: size.h,
			Left: chartLeft, Right: size.w - right, Base: size.h - chartBottom,
		}
		d.draw(times, layers)
		c.Sizes = append(c.Sizes, d)
	}
	return c
}

func (d *drawing) draw(times []time.Time, layers []layer) {
	tops := make([][]float64, len(layers)) // of each layer, above those below it
	highest := 0.0
	below := make([]float64, len(times))
	for i, l := range layers {
		for k, value := range l.values {
			below[k] += max(0, value)
			highest = max(highest, below[k])
		}
		tops[i] = slices.Clone(below)
	}
	top, step := niceAxis(highest)
	y := func(value float64) float64 { return d.Base - (d.Base-chartTop)*value/top }
	for value := 0.0; value <= top*1.001; value += step {
		d.Lines = append(d.Lines, chartLine{y(value), compact(value, top)})
	}
	span := times[len(times)-1].Sub(times[0]).Seconds()
	x := func(at time.Time) float64 {
		if span == 0 {
			return d.Right
		}
		return d.Left + (d.Right-d.Left)*at.Sub(times[0]).Seconds()/span
	}
	var points []int // those that lie apart
	for k, at := range times {
		if n := len(points); n == 0 || k == len(times)-1 || x(at)-x(times[points[n-1]]) >= 2 {
			points = append(points, k)
		}
	}
	for i := range slices.Backward(layers) {
		var edge strings.Builder
		for _, k := range points {
			edge.WriteString(map[bool]string{true: "M", false: "L"}[k == 0])
			edge.WriteString(px(x(times[k])) + " " + px(y(tops[i][k])))
		}
		line := edge.String()
		d.Areas = append(d.Areas, chartArea{
			Class: layers[i].class, Name: layers[i].name, Edge: line,
			Path: line + "L" + px(d.Right) + " " + px(d.Base) + "L" + px(d.Left) + " " + px(d.Base) + "Z",
		})
	}
	d.nameAreas(layers, tops, y)
	d.nameTimes(times)
}

// nameAreas puts the name of each layer beside its end, without one covering
// another. Layers that end with nothing have none.
func (d *drawing) nameAreas(layers []layer, tops [][]float64, y func(float64) float64) {
	under := d.Base
	for i, l := range layers {
		last := len(tops[i]) - 1
		if l.values[last] <= 0 || l.name == "" {
			continue
		}
		under = min(under, y(tops[i][last]-l.values[last]/2)+4)
		d.Names = append(d.Names, chartText{X: d.Right + 8, Y: under, Class: l.class, Text: l.name})
		under -= nameHeight
	}
	above := chartTop + 4
	for i := len(d.Names) - 1; i >= 0; i-- { // back into the drawing
		d.Names[i].Y = max(d.Names[i].Y, above)
		above = d.Names[i].Y + nameHeight
	}
}

// nameTimes writes the first and the last instant, and one between them.
func (d *drawing) nameTimes(times []time.Time) {
	first, last := times[0], times[len(times)-1]
	layout := "Jan 2"
	if last.Sub(first) < 4*24*time.Hour {
		layout = "Jan 2, 15:04"
	}
	y := d.H - 7
	d.Times = []chartText{{X: d.Left, Y: y, Anchor: "start", Text: first.UTC().Format(layout)}}
	if last.Sub(first) > 0 {
		middle := first.Add(last.Sub(first) / 2)
		if text := middle.UTC().Format(layout); layout == "Jan 2" || d.Class == "wide" {
			d.Times = append(d.Times, chartText{X: (d.Left + d.Right) / 2, Y: y, Anchor: "middle", Text: text})
		}
		d.Times = append(d.Times, chartText{X: d.Right, Y: y, Anchor: "end", Text: last.UTC().Format(layout)})
	}
}

// niceAxis returns an end of an axis for amounts up to highest, and the step
// between its lines: at most five of 1, 2 or 5 times a power of ten.
func niceAxis(highest float64) (top, step float64) {
	if highest <= 0 || math.IsInf(highest, 0) || math.IsNaN(highest) {
		return 1, 1
	}
	power := math.Pow(10, math.Floor(math.Log10(highest)))
	for _, factor := range []float64{0.2, 0.5, 1, 2} {
		if step = factor * power; highest <= 5*step {
			break
		}
	}
	return step * math.Ceil(highest/step*0.9999), step
}

// compact writes an amount of an axis that ends at top: all of them in the same
// unit.
func compact(f, top float64) string {
	for _, unit := range []struct {
		from, size float64
		name       string
	}{{1e9, 1e9, "G"}, {1e6, 1e6, "M"}, {1e4, 1e3, "k"}} {
		if top >= unit.from && f > 0 {
			return strconv.FormatFloat(math.Round(1000*f/unit.size)/1000, 'f', -1, 64) + unit.name
		}
	}
	if f == math.Trunc(f) {
		return number.Count(int64(f))
	}
	return strconv.FormatFloat(math.Round(f*1e4)/1e4, 'f', -1, 64)
}

// px writes a length of a drawing.
func px(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }

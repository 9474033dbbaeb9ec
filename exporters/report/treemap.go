package report

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/number"
)

// A box is a rectangle of a drawing, in pixels.
type box struct{ X, Y, W, H float64 }

// squarify divides the box into one rectangle for each size, as near to
// squares as the order allows (Bruls, Huizing and van Wijk, 2000). Sizes must
// be positive and fall; their sum stands for the whole box.
func squarify(sizes []float64, in box) []box {
	var sum float64
	for _, s := range sizes {
		sum += s
	}
	if sum <= 0 || in.W <= 0 || in.H <= 0 {
		return make([]box, len(sizes))
	}
	scale := in.W * in.H / sum
	var out []box
	for start := 0; start < len(sizes); {
		side := min(in.W, in.H)
		end, row := start+1, sizes[start]*scale
		for end < len(sizes) {
			next := row + sizes[end]*scale
			if worstAspect(sizes[start:end+1], scale, next, side) > worstAspect(sizes[start:end], scale, row, side) {
				break
			}
			end, row = end+1, next
		}
		boxes, rest := layRow(sizes[start:end], scale, row, in)
		out, in, start = append(out, boxes...), rest, end
	}
	return out
}

// worstAspect returns the highest ratio of sides in a row of rectangles with
// the given area that is laid along side. The first size is the biggest.
func worstAspect(sizes []float64, scale, area, side float64) float64 {
	thick := area / side
	biggest, smallest := sizes[0]*scale/thick, sizes[len(sizes)-1]*scale/thick
	return max(thick/smallest, biggest/thick)
}

// layRow lays a row along the shorter side of the box and returns what is left
// of it.
func layRow(sizes []float64, scale, area float64, in box) (row []box, rest box) {
	at := 0.0
	if in.W >= in.H {
		thick := min(area/in.H, in.W)
		for _, s := range sizes {
			h := min(s*scale/thick, in.H-at) // rounding must not lead outside
			row = append(row, box{in.X, in.Y + at, thick, h})
			at += h
		}
		return row, box{in.X + thick, in.Y, max(0, in.W-thick), in.H}
	}
	thick := min(area/in.W, in.H)
	for _, s := range sizes {
		w := min(s*scale/thick, in.W-at)
		row = append(row, box{in.X + at, in.Y, w, thick})
		at += w
	}
	return row, box{in.X, in.Y + thick, in.W, max(0, in.H-thick)}
}

// A treemap shows what every metric costs, those of one verdict together.
type treemap struct {
	W, H   float64
	Tiles  []tile
	Linked bool // some tiles lead somewhere
}

type tile struct {
	box
	Verdict sentei.Verdict
	Title   string   // tells all: shown by browsers on hovering
	Lines   []string // the name, broken
	Amount  string   // empty where it has no room
	Href    string   // where it leads; may be empty
}

// An area is a metric, or several, before it is drawn.
type area struct {
	name, title, amount, href string
	size                      float64
}

// treemap draws at most limit metrics of each verdict and sums up the others.
func (v *view) treemap(width, height float64, limit int, link func(*sentei.MetricReport) string) treemap {
	type group struct {
		verdict sentei.Verdict
		areas   []area
		size    float64
	}
	var groups []group
	for _, verdict := range sentei.Verdicts() {
		if areas, size := v.areas(verdict, limit, link); size > 0 {
			groups = append(groups, group{verdict, areas, size})
		}
	}
	slices.SortStableFunc(groups, func(a, b group) int { return cmp.Compare(b.size, a.size) })
	var sizes []float64
	for _, g := range groups {
		sizes = append(sizes, g.size)
	}
	t := treemap{W: width, H: height, Linked: link != nil}
	for i, in := range squarify(sizes, box{0, 0, width, height}) {
		var inner []float64
		for _, a := range groups[i].areas {
			inner = append(inner, a.size)
		}
		for k, b := range squarify(inner, in) {
			a := groups[i].areas[k]
			one := tile{box: b, Verdict: groups[i].verdict, Title: a.title, Href: a.href, Lines: tileLines(a.name, b)}
			if n := len(one.Lines); n > 0 && n < one.room() && utf8.RuneCountInString(a.amount) <= one.chars() {
				one.Amount = a.amount
			}
			t.Tiles = append(t.Tiles, one)
		}
	}
	return t
}

// areas returns the metrics of a verdict, the biggest first and those beyond
// the limit as one, and their sum.
func (v *view) areas(verdict sentei.Verdict, limit int, link func(*sentei.MetricReport) string) ([]area, float64) {
	var all []area
	var sum float64
	for i := range v.Metrics {
		m := &v.Metrics[i]
		if size := v.weight(m.Cost, m.PerMonth); m.Verdict == verdict && size > 0 {
			a := area{
				name: m.Name, title: m.Name + ", " + string(verdict) + ": " + v.amount(m.Cost, m.PerMonth),
				amount: v.short(size), size: size,
			}
			if link != nil {
				a.href = link(m)
			}
			all = append(all, a)
			sum += size
		}
	}
	slices.SortStableFunc(all, func(a, b area) int {
		return cmp.Or(cmp.Compare(b.size, a.size), cmp.Compare(a.name, b.name))
	})
	if len(all) <= limit {
		return all, sum
	}
	var others float64
	for _, a := range all[limit:] {
		others += a.size
	}
	rest := area{size: others, name: number.Plural(len(all)-limit, "other"), amount: v.short(others)}
	rest.title = rest.name + ", " + string(verdict) + ": " + number.Percent(others/v.weight(v.all.cost, v.all.perMonth)) + " of all"
	all = append(all[:limit:limit], rest)
	slices.SortStableFunc(all, func(a, b area) int { return cmp.Compare(b.size, a.size) })
	return all, sum
}

const (
	charWidth  = 6.9 // of the tiles' font, at most
	lineHeight = 15
	tilePad    = 7
)

// chars returns how many characters fit into a line of the tile.
func (b box) chars() int { return int((b.W - 2*tilePad) / charWidth) }

// room returns how many lines fit into the tile.
func (b box) room() int { return int((b.H - 2*tilePad) / lineHeight) }

// tileLines breaks a name at underscores into lines that fit into the tile;
// nil when not even a part that tells something fits.
func tileLines(name string, b box) []string {
	chars, lines := b.chars(), b.room()
	if chars < 6 || lines < 1 {
		return nil
	}
	var out []string
	for rest := name; rest != ""; {
		line := rest
		if utf8.RuneCountInString(rest) > chars {
			cut := strings.LastIndexAny(string([]rune(rest)[:chars]), "_:")
			if cut < 0 || len(out) == lines-1 {
				return append(out, string([]rune(rest)[:chars-1])+"…")
			}
			line = rest[:cut+1]
		}
		out = append(out, line)
		rest = rest[len(line):]
		if rest != "" && len(out) == lines {
			out[lines-1] = strings.TrimRight(out[lines-1], "_:") + "…"
			return out
		}
	}
	return out
}

// A label is a line of text at its place.
type label struct {
	X, Y   float64
	Text   string
	Amount bool
}

// At returns the lines of the tile, each with where it starts.
func (t tile) At() []label {
	var out []label
	add := func(text string, amount bool) {
		out = append(out, label{t.X + tilePad, t.Y + tilePad + 11 + float64(len(out)*lineHeight), text, amount})
	}
	for _, line := range t.Lines {
		add(line, false)
	}
	if t.Amount != "" {
		add(t.Amount, true)
	}
	return out
}

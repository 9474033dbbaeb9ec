package report

import (
	"fmt"
	"html/template"
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/reporttest"
)

func TestHTMLNeedsNoNetworkAndNoScript(t *testing.T) {
	banned := regexp.MustCompile(`^<(script|link|iframe|img|form|object|embed|base)\b|[\s"](src|srcset|http-equiv|style|on[a-z]+)=|javascript:`)
	address := regexp.MustCompile(`([a-z:-]+)="(https?:)?//[^"]*"`)
	for name, r := range map[string]*sentei.Report{"report": reporttest.Report(), "nasty": nasty()} {
		got := render(t, "html", r, Options{})
		tags := regexp.MustCompile(`<[^>]+>`).FindAllString(got, -1)
		if len(tags) < 1000 {
			t.Errorf("%s: only %d tags", name, len(tags))
		}
		for _, tag := range tags {
			if banned.MatchString(tag) {
				t.Errorf("%s: the page holds %s", name, tag)
			}
			if m := address.FindStringSubmatch(tag); m != nil && m[1] != "href" {
				t.Errorf("%s: an address in %s", name, tag)
			}
		}
		_, css, _ := strings.Cut(got, "<style>")
		css, _, _ = strings.Cut(css, "</style>")
		if strings.Contains(css, "@import") || strings.Contains(css, "url(") {
			t.Errorf("%s: the style sheet loads something", name)
		}
	}
}

// Links lead to the user's systems or to a place that the page has.
func TestHTMLLinks(t *testing.T) {
	for _, top := range []int{0, 3} {
		t.Run(fmt.Sprint("top ", top), func(t *testing.T) {
			checkLinks(t, render(t, "html", reporttest.Report(), Options{Top: top}), 3)
		})
	}
}

func checkLinks(t *testing.T, got string, least int) {
	links := regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(got, -1)
	if len(links) < least {
		t.Errorf("only %d links", len(links))
	}
	for _, m := range links {
		if id, ok := strings.CutPrefix(m[1], "#"); ok {
			if !strings.Contains(got, ` id="`+id+`"`) {
				t.Errorf("the link to #%s leads nowhere", id)
			}
		} else if !strings.HasPrefix(m[1], "https://grafana.example.com/d/") {
			t.Errorf("a link to %s", m[1])
		}
	}
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(got, -1) {
		if ids[m[1]] {
			t.Errorf("id %s stands twice", m[1])
		}
		ids[m[1]] = true
	}
}

func TestHTMLTagsAreClosed(t *testing.T) {
	void := map[string]bool{"meta": true, "br": true, "wbr": true}
	for name, r := range map[string]*sentei.Report{
		"report": reporttest.Report(), "nasty": nasty(), "empty": reporttest.Empty(), "unknown": reporttest.Unknown(),
	} {
		var open []string
		for _, m := range regexp.MustCompile(`<(/?)([a-z0-9]+)[^>]*?(/?)>`).FindAllStringSubmatch(render(t, "html", r, Options{}), -1) {
			tag := m[2]
			switch {
			case void[tag], m[3] == "/":
			case m[1] == "":
				open = append(open, tag)
			case len(open) == 0 || open[len(open)-1] != tag:
				t.Fatalf("%s: </%s> closes %v", name, tag, open)
			default:
				open = open[:len(open)-1]
			}
		}
		if len(open) > 0 {
			t.Errorf("%s: %v are not closed", name, open)
		}
	}
}

func TestHTMLSumsUpTheRest(t *testing.T) {
	got := render(t, "html", reporttest.Report(), Options{Top: 10})
	if want := "and 26 more metrics, together 1,474.44 EUR/month, 224,502 series"; !strings.Contains(got, want) {
		t.Errorf("the page does not say %q", want)
	}
	got = render(t, "html", reporttest.Report(), Options{Top: 3})
	for _, want := range []string{"9 of this grade, together 4,393.72 EUR/month, 669,000 series, 34,133 new series a day.", "and 6 more proposals", "and 1 more proposal<"} {
		if !strings.Contains(got, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func TestProse(t *testing.T) {
	for in, want := range map[string]template.HTML{
		"run `a <b>` now": "run <code>a &lt;b&gt;</code> now",
		"one ` alone":     "one ` alone",
		"":                "",
	} {
		if got := prose(in); got != want {
			t.Errorf("prose(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestLead(t *testing.T) {
	used := reporttest.Report()
	used.Metrics = used.Metrics[4:6] // probe_success and up
	some := reporttest.Report()
	some.Metrics = some.Metrics[:6] // all of edge
	unpriced := reporttest.Report()
	for i := range unpriced.Metrics {
		unpriced.Metrics[i].PerMonth = 0
	}
	for want, r := range map[string]*sentei.Report{
		"Nobody is known to read 48.8% of what the metrics cost.":      reporttest.Report(),
		"Nobody is known to read 48.8% of the series that are stored.": unpriced,
		"Nothing can be judged yet.":                                   reporttest.Unknown(),
		"No metrics were found.":                                       reporttest.Empty(),
		"Everything that is stored is read by somebody.":               used,
		"Everything that could be judged is read by somebody.":         some,
	} {
		if diff := cmp.Diff(want, newView(r).lead()); diff != "" {
			t.Error(diff)
		}
	}
}

// The rectangles fill the box without overlaps, each in proportion.
func TestSquarify(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.Float64Range(0.01, 1e6), 1, 60).Draw(t, "sizes")
		in := box{10, 20, rapid.Float64Range(50, 2000).Draw(t, "width"), rapid.Float64Range(50, 2000).Draw(t, "height")}
		var sum float64
		for i := range sizes { // falling
			for k := i + 1; k < len(sizes); k++ {
				if sizes[k] > sizes[i] {
					sizes[i], sizes[k] = sizes[k], sizes[i]
				}
			}
			sum += sizes[i]
		}
		boxes := squarify(sizes, in)
		if len(boxes) != len(sizes) {
			t.Fatalf("%d boxes for %d sizes", len(boxes), len(sizes))
		}
		const tolerance = 1e-6
		for i, b := range boxes {
			if want := sizes[i] / sum * in.W * in.H; math.Abs(b.W*b.H-want) > tolerance*in.W*in.H {
				t.Errorf("box %d has the area %v, want %v", i, b.W*b.H, want)
			}
			if b.X < in.X-tolerance || b.Y < in.Y-tolerance || b.X+b.W > in.X+in.W+tolerance || b.Y+b.H > in.Y+in.H+tolerance {
				t.Errorf("box %d %v is outside", i, b)
			}
			for k := range i {
				o := boxes[k]
				w := min(b.X+b.W, o.X+o.W) - max(b.X, o.X)
				h := min(b.Y+b.H, o.Y+o.H) - max(b.Y, o.Y)
				if w > tolerance*in.W && h > tolerance*in.H {
					t.Errorf("boxes %d and %d overlap by %v × %v", k, i, w, h)
				}
			}
		}
	})
}

func TestSquarifyOfNothing(t *testing.T) {
	if got := squarify(nil, box{0, 0, 10, 10}); len(got) != 0 {
		t.Errorf("no sizes give %v", got)
	}
	if got := squarify([]float64{1}, box{}); got[0] != (box{}) {
		t.Errorf("an empty box gives %v", got)
	}
}

func TestTileLines(t *testing.T) {
	for _, c := range []struct {
		name          string
		width, height float64
		want          []string
	}{
		{"up", 100, 40, []string{"up"}},
		{"http_requests_total", 300, 40, []string{"http_requests_total"}},
		{"http_requests_total", 100, 60, []string{"http_", "requests_", "total"}},
		{"http_requests_total", 100, 40, []string{"http_reques…"}},
		{"httprequeststotalofall", 100, 100, []string{"httprequest…"}},
		{"http_requests_total", 30, 40, nil},
		{"http_requests_total", 100, 10, nil},
		{"größe_größe_größe", 100, 60, []string{"größe_größe_", "größe"}},
	} {
		if diff := cmp.Diff(c.want, tileLines(c.name, box{0, 0, c.width, c.height})); diff != "" {
			t.Errorf("%s in %v × %v:\n%s", c.name, c.width, c.height, diff)
		}
	}
}

// What the drawing leaves out is summed up in it.
func TestTreemapShowsEverything(t *testing.T) {
	v := newView(reporttest.Large(500))
	m := v.treemap(1000, 400, 5, nil)
	var area float64
	for _, b := range m.Tiles {
		area += b.W * b.H
	}
	if math.Abs(area-1000*400) > 1 {
		t.Errorf("tiles cover %v of %v", area, 1000*400)
	}
	if len(m.Tiles) != 4*6 {
		t.Errorf("%d tiles, want 5 and the others for each verdict", len(m.Tiles))
	}
}

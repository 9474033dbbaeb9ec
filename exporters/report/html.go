package report

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/number"
)

var htmlFormat = Format{
	Name:        "html",
	Extension:   ".html",
	ContentType: "text/html; charset=utf-8",
	Title:       "one page with charts and evidence, for a browser or for print",
	Top:         300,
	Write:       writeHTML,
}

//go:embed templates
var templates embed.FS

// writeHTML writes one file that needs neither the network nor scripts. Its
// only addresses are links to where consumers are defined.
func writeHTML(w io.Writer, r *sentei.Report, o Options) error {
	css, err := templates.ReadFile("templates/style.css")
	if err != nil {
		return fmt.Errorf("read style sheet: %w", err)
	}
	t, err := template.New("report.html").Funcs(template.FuncMap{
		"px":    func(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) },
		"class": class,
		"wrap":  wrap,
		"prose": prose,
	}).ParseFS(templates, "templates/*.html")
	if err != nil {
		return fmt.Errorf("parse page: %w", err)
	}
	var buf bytes.Buffer
	if err := t.Execute(&buf, newPage(r, o, template.CSS(css))); err != nil {
		return fmt.Errorf("make page: %w", err)
	}
	if _, err := w.Write(buf.Bytes()); err != nil {
		return fmt.Errorf("write HTML report: %w", err)
	}
	return nil
}

// class names what has a color of its own in the style sheet.
func class(v sentei.Verdict) string {
	switch v {
	case sentei.Used:
		return "used"
	case sentei.PartlyUsed:
		return "partly"
	case sentei.Unused:
		return "unused"
	default:
		return "unknown"
	}
}

// wrap lets a long name break after underscores and colons.
func wrap(name string) template.HTML {
	return template.HTML(strings.NewReplacer("_", "_<wbr>", ":", ":<wbr>").Replace(template.HTMLEscapeString(name)))
}

// prose sets what stands between backticks as code.
func prose(text string) template.HTML {
	parts := strings.Split(template.HTMLEscapeString(text), "`")
	if len(parts)%2 == 0 { // the last one is not closed
		return template.HTML(strings.Join(parts, "`"))
	}
	for i := 1; i < len(parts); i += 2 {
		parts[i] = "<code>" + parts[i] + "</code>"
	}
	return template.HTML(strings.Join(parts, ""))
}

// A page is what the template shows, as text.
type page struct {
	Style      template.CSS
	Title      string
	Origin     string
	Lead       string
	Figures    []figure
	Parts      []part
	Backends   []backendRow // with a sum at the end; none when there is only one
	Advice     []pageAdvice
	Treemaps   []treemap // for wide and for narrow screens
	Jobs       []jobSaving
	Grades     []gradeTable
	Metrics    []metricRow
	Rest       string // what the table of metrics leaves out
	Unit       string // what bars and shares are of: "EUR/month" or "series"
	Currency   string // empty without prices
	Tracked    []trackedRow
	Findings   []findingRow
	Sources    []sourceRow
	Problems   []problemRow
	HasMetrics bool
	Version    int
}

type figure struct{ Title, Value, Unit, Note, Class string }

// A part is one verdict's part of the whole.
type part struct {
	Verdict               sentei.Verdict
	Share                 string
	X, W                  string // of the bar, in percent of its width
	Amount, Series, Count string
	Meaning               string
}

type pageAdvice struct {
	Kind     adviceKind
	Title    string
	Text     string
	Command  string
	Blockers []pageBlocker
	More     int
}

type pageBlocker struct{ Text, Hint string }

type backendRow struct {
	Name, Metrics, Series, Amount, Share, Used, Partly, Unused, Unknown, Proposals, Saving string
}

type jobSaving struct {
	Job, Backend, Amount, Series string
	Count                        int
	W                            string // percent of the biggest
}

type trackedRow struct {
	Place, Text string
	Regrets     []string
}

type findingRow struct{ Place, Message, Hint string }

type sourceRow struct {
	Backend, Name, Class, Found, Window string
	Up                                  bool
}

type problemRow struct{ State, Place, Message, Hint, Accepted, ID string }

func newPage(r *sentei.Report, o Options, css template.CSS) page {
	v := newView(r)
	p := page{
		Style: css, Title: "What the metrics cost", Origin: v.origin(), Lead: v.lead(),
		Figures: v.figures(), Parts: v.parts(), Jobs: v.jobSavings(), Grades: v.gradeTables(o.Top),
		HasMetrics: len(v.Metrics) > 0, Version: v.Version, Unit: "series",
	}
	if v.priced {
		p.Currency = v.currency
		p.Unit = v.currency + "/month"
	}
	for _, t := range v.backendTotals() {
		p.Backends = append(p.Backends, v.backendRow(&t))
	}
	for _, a := range v.advice() {
		b := pageAdvice{Kind: a.kind, Title: a.title, Text: a.text, Command: a.command, More: a.more}
		for _, x := range a.blockers {
			b.Blockers = append(b.Blockers, pageBlocker{x.text(), x.hint})
		}
		p.Advice = append(p.Advice, b)
	}
	if v.weight(v.all.cost, v.all.perMonth) > 0 {
		p.Treemaps = []treemap{v.treemap(1080, 440, 40), v.treemap(360, 520, 12)}
	}
	listed := map[string]bool{}
	for _, g := range p.Grades {
		for i := range g.Proposals {
			listed[g.Proposals[i].ID] = true
		}
	}
	rows, rest := v.top(o.Top)
	for _, m := range rows {
		row := v.htmlMetric(m)
		for i := range row.Proposals {
			row.Proposals[i].Listed = listed[row.Proposals[i].ID]
		}
		p.Metrics = append(p.Metrics, row)
	}
	if rest.metrics > 0 {
		p.Rest = "and " + number.Plural(rest.metrics, "more metric") + ", together " + v.amount(rest.cost, rest.perMonth)
	}
	for i := range v.Tracked {
		t := &v.Tracked[i]
		p.Tracked = append(p.Tracked, trackedRow{trackedPlace(t), v.trackedText(t), v.regretTexts(t)})
	}
	for i := range v.Findings {
		f := &v.Findings[i]
		p.Findings = append(p.Findings, findingRow{findingPlace(f), f.Message + v.findingCost(f), f.Hint})
	}
	for i := range v.Sources {
		s := &v.Sources[i]
		row := sourceRow{Backend: s.Backend, Name: s.Name, Class: string(s.Class), Found: found(s), Window: window(s.Window), Up: s.Up}
		if row.Class == "" {
			row.Class = "inventory"
		}
		p.Sources = append(p.Sources, row)
	}
	for i := range v.Problems {
		o := &v.Problems[i]
		p.Problems = append(p.Problems, problemRow{problemState(o), problemPlace(o), o.Message, o.Hint, o.Accepted, o.ID})
	}
	return p
}

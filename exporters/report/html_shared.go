package report

import (
	"embed"
	"fmt"
	"html/template"
	"strings"

	"github.com/sentei/sentei"
)

//go:embed templates
var templates embed.FS

// Templates returns the templates of the page, for pages that show the same
// parts: "summary", "advice" and "treemaps" are made of a Summary, "trend" of a
// Trend and "waterfall" of a Waterfall. All but "advice" need "patterns" once
// on the page: what tells verdicts apart beside color.
func Templates() (*template.Template, error) {
	t, err := template.New("").Funcs(template.FuncMap{
		"px":    px,
		"class": class,
		"wrap":  wrap,
		"prose": prose,
	}).ParseFS(templates, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("parse page: %w", err)
	}
	return t, nil
}

// StyleSheet returns the style sheet of the page.
func StyleSheet() (template.CSS, error) {
	css, err := templates.ReadFile("templates/style.css")
	if err != nil {
		return "", fmt.Errorf("read style sheet: %w", err)
	}
	return template.CSS(css), nil
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

// A Summary is what the page says about everything stored, as text.
type Summary struct {
	Origin   string
	Lead     string
	Figures  []figure
	Parts    []part
	Advice   []pageAdvice
	Treemaps []treemap // for wide and for narrow screens
	Unit     string    // what bars and shares are of: "EUR/month" or "series"
	Currency string    // empty without prices
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

// NewSummary sums up the report. The rectangles of the treemap lead to where
// link says, if it is not nil.
func NewSummary(r *sentei.Report, link func(*sentei.MetricReport) string) Summary {
	return newView(r).summary(link)
}

// Decided returns the summary with the states of the proposals as r has them.
// All else that r holds must be the same.
func (s Summary) Decided(r *sentei.Report) Summary {
	v := newView(r)
	s.Figures, s.Advice = v.figures(), v.pageAdvice()
	return s
}

func (v *view) summary(link func(*sentei.MetricReport) string) Summary {
	s := Summary{Origin: v.origin(), Lead: v.lead(), Figures: v.figures(), Parts: v.parts(), Unit: "series"}
	if v.priced {
		s.Currency = v.currency
		s.Unit = v.currency + "/month"
	}
	s.Advice = v.pageAdvice()
	if v.weight(v.all.cost, v.all.perMonth) > 0 {
		s.Treemaps = []treemap{v.treemap(1080, 440, 40, link), v.treemap(360, 520, 12, link)}
	}
	return s
}

func (v *view) pageAdvice() []pageAdvice {
	var out []pageAdvice
	for _, a := range v.advice() {
		b := pageAdvice{Kind: a.kind, Title: a.title, Text: a.text, Command: a.command, More: a.more}
		for _, x := range a.blockers {
			b.Blockers = append(b.Blockers, pageBlocker{x.text(), x.hint})
		}
		out = append(out, b)
	}
	return out
}

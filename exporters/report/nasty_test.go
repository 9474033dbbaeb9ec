package report

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/reporttest"
)

// nasty returns a report whose texts want to be markup, formulas or controls.
func nasty() *sentei.Report {
	r := reporttest.Report()
	m := &r.Metrics[0]
	m.Name = "=HYPERLINK(\"http://evil\")|`_x_`<script>alert(1)</script>\x1b[31m\nnext"
	m.Help = "</td><script>alert(2)</script>"
	m.PerMonth = 1e9
	m.Usage = sentei.Usage{Verdict: sentei.Unknown, Reasons: []string{"+a|b @owner\u009b31m"}}
	r.Problems[0].Message = "<img src=x onerror=alert(3)> | *"
	r.Consumers[0].Location.URL = "javascript:alert(4)"
	return r
}

func TestTextHoldsNoControlCharacters(t *testing.T) {
	for _, format := range []string{"table", "wide", "markdown"} {
		got := render(t, format, nasty(), Options{})
		if i := strings.IndexFunc(got, func(r rune) bool { return r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 }); i >= 0 {
			t.Errorf("%s: control character %q", format, got[i])
		}
	}
}

func TestMarkdownRowsKeepTheirCells(t *testing.T) {
	got := render(t, "markdown", nasty(), Options{})
	_, rows, _ := strings.Cut(got, "## Metrics by cost\n\n")
	rows, _, _ = strings.Cut(rows, "\n\n")
	cells := func(row string) int { return strings.Count(strings.ReplaceAll(row, `\|`, ""), "|") }
	lines := strings.Split(rows, "\n")
	for _, line := range lines {
		if cells(line) != cells(lines[0]) {
			t.Errorf("row has %d bars, the header %d:\n%s", cells(line), cells(lines[0]), line)
		}
	}
	if len(lines) != 2+len(nasty().Metrics) {
		t.Errorf("%d lines for %d metrics", len(lines), len(nasty().Metrics))
	}
	if strings.Contains(got, "<img") {
		t.Error("HTML passes into the Markdown")
	}
}

func TestMarkdownText(t *testing.T) {
	for in, want := range map[string]string{
		"a_b":       "a_b",
		"_a_":       `\_a\_`,
		`a|b\`:      `a\|b\\`,
		"<b>&":      "&lt;b&gt;&amp;",
		"ask @team": "ask @\u200bteam",
		"me@x.org":  "me@x.org",
		"x @ 5":     "x @ 5",
	} {
		if got := MarkdownText(in); got != want {
			t.Errorf("MarkdownText(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestMarkdownCode(t *testing.T) {
	for in, want := range map[string]string{
		"a_b": "`a_b`", "a|b": "`a\\|b`", "a`b": "`` a`b ``", " ": "",
	} {
		if got := MarkdownCode(in); got != want {
			t.Errorf("MarkdownCode(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCSVHoldsNoFormulas(t *testing.T) {
	records, err := csv.NewReader(strings.NewReader(render(t, "csv", nasty(), Options{}))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != 1+len(nasty().Metrics) {
		t.Fatalf("%d records for %d metrics", len(records), len(nasty().Metrics))
	}
	for _, record := range records[1:] {
		for i, cell := range record {
			if strings.ContainsAny(cell[:min(1, len(cell))], "=+-@\t\r") {
				t.Errorf("%s is a formula: %s", csvHeader()[i], cell)
			}
		}
	}
	if got := records[1][1]; !strings.HasPrefix(got, "'=HYPERLINK") {
		t.Errorf("the metric name is %s", got)
	}
}

func TestHarmlessKeepsNumbers(t *testing.T) {
	for in, want := range map[string]string{"-1.5": "-1.5", "-1+cmd": "'-1+cmd", "a-b": "a-b", "": "", "@x": "'@x"} {
		if got := harmless(in); got != want {
			t.Errorf("harmless(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCSVIsRFC4180(t *testing.T) {
	got := render(t, "csv", nasty(), Options{})
	if strings.Count(got, "\r\n") < 30 || !strings.HasSuffix(got, "\r\n") {
		t.Error("rows do not end in CRLF")
	}
}

func TestJSONParsesBack(t *testing.T) {
	for name, r := range map[string]*sentei.Report{"report": reporttest.Report(), "empty": reporttest.Empty(), "nasty": nasty()} {
		var back sentei.Report
		if err := json.Unmarshal([]byte(render(t, "json", r, Options{Top: 1})), &back); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if back.Version != 1 || !back.At.Equal(r.At) || len(back.Metrics) != len(r.Metrics) || len(back.Consumers) != len(r.Consumers) {
			t.Errorf("%s: the report came back changed", name)
		}
		if again := render(t, "json", &back, Options{}); len(r.Metrics) > 0 && !strings.Contains(again, `"metrics": [`) {
			t.Errorf("%s: cannot be written again", name)
		}
	}
}

func TestJSONSaysWhatItCannotWrite(t *testing.T) {
	r := reporttest.Report()
	r.Metrics[0].Score = math.NaN()
	err := jsonFormat.Write(&strings.Builder{}, r, Options{})
	if err == nil || !strings.Contains(err.Error(), "write JSON report") {
		t.Errorf("NaN gives %v", err)
	}
}

func TestSameReportGivesSameBytes(t *testing.T) {
	for _, f := range Formats() {
		first := render(t, f.Name, reporttest.Report(), Options{Color: true})
		for range 5 {
			if render(t, f.Name, reporttest.Report(), Options{Color: true}) != first {
				t.Errorf("format %s differs from run to run", f.Name)
			}
		}
	}
}

// The rows listed and the row of the rest make up the whole.
func TestTopLosesNothing(t *testing.T) {
	v := newView(reporttest.Report())
	for n := range len(v.Metrics) + 2 {
		rows, rest := v.top(n)
		series, metrics := rest.cost.Series, rest.metrics
		for _, m := range rows {
			series += m.Cost.Series
			metrics++
		}
		if metrics != len(v.Metrics) || series != v.all.cost.Series {
			t.Errorf("top %d: %d metrics with %d series of %d with %d", n, metrics, series, len(v.Metrics), v.all.cost.Series)
		}
	}
}

func TestTableFitsTheTerminal(t *testing.T) {
	v := newView(reporttest.Report())
	rows, rest := v.top(0)
	for width := 130; width < 300; width += 7 {
		g, _ := v.metricsGrid(rows, rest, false).fit(width)
		sum := len(columnGap) * (len(g.columns) - 1)
		for _, w := range g.widths() {
			sum += w
		}
		if sum > width {
			t.Errorf("%d columns wide in a terminal of %d", sum, width)
		}
	}
}

func TestMarkdownSumsUpTheRest(t *testing.T) {
	got := render(t, "markdown", reporttest.Report(), Options{Top: 3})
	for _, want := range []string{
		"and 6 more proposals; all together 4,393.72 EUR/month, 669,000 series, 34,133 new series a day.",
		"| `33 more metrics` ",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the report does not say %q", want)
		}
	}
}

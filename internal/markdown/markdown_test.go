package markdown

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// inline returns the spans of a paragraph.
func inline(text string) []Span {
	var all []Span
	for _, b := range Parse(text) {
		all = append(all, b.Spans...)
	}
	return all
}

func TestInline(t *testing.T) {
	tests := map[string][]Span{
		"plain":                 {{Text: "plain"}},
		"a **bold** word":       {{Text: "a "}, {Text: "bold", Bold: true}, {Text: " word"}},
		"*em* and _em_":         {{Text: "em", Italic: true}, {Text: " and "}, {Text: "em", Italic: true}},
		"***both***":            {{Text: "both", Bold: true, Italic: true}},
		"http_requests_total":   {{Text: "http_requests_total"}},
		"_a_b_c":                {{Text: "_a_b_c"}},
		"2 * 3 * 4":             {{Text: "2 * 3 * 4"}},
		`\*no\* \_ \\ \[x\]`:    {{Text: `*no* _ \ [x]`}},
		"`a*b*`":                {{Text: "a*b*", Code: true}},
		"`` a`b ``":             {{Text: "a`b", Code: true}},
		"`open":                 {{Text: "`open"}},
		"**`x` y**":             {{Text: "x", Bold: true, Code: true}, {Text: " y", Bold: true}},
		"**a `**` b**":          {{Text: "a ", Bold: true}, {Text: "**", Bold: true, Code: true}, {Text: " b", Bold: true}},
		"**open":                {{Text: "**open"}},
		"[t **b**](https://x/)": {{Text: "t ", URL: "https://x/"}, {Text: "b", Bold: true, URL: "https://x/"}},
		"[t](javascript:x)":     {{Text: "t"}},
		"[t] (x)":               {{Text: "[t] (x)"}},
		"<https://x/?a=b>":      {{Text: "https://x/?a=b", URL: "https://x/?a=b"}},
		"a < b &lt; &amp; &co":  {{Text: "a < b < & &co"}},
		"one\ntwo  \nthree":     {{Text: "one two\nthree"}},
		"one\\\ntwo":            {{Text: "one\ntwo"}},
		"":                      nil,
	}
	for text, want := range tests {
		if diff := cmp.Diff(want, inline(text)); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

const sample = `# Title with ` + "`code`" + `

First *line*
second line  
after a break

- one **bold**
  goes on
  - deeper [link](https://x/y?a=1&b=2)
* two <b> & more
3. third

` + "```promql\nsum(rate(a[5m])) > 1\n\n# no heading\n```" + `

| metric | series |
|---|---:|
| ` + "`a{b=~\"x\\|y\"}`" + ` | 1 000 |
| short |

---
end`

func TestHTML(t *testing.T) {
	want := `<h2>Title with <code>code</code></h2>
<p>First <em>line</em>
second line<br>
after a break</p>
<ul>
<li>one <strong>bold</strong>
goes on
<ul>
<li>deeper <a href="https://x/y?a=1&amp;b=2">link</a></li>
</ul>
</li>
</ul>
<ul>
<li>two <!-- raw HTML omitted --> &amp; more</li>
</ul>
<ol start="3">
<li>third</li>
</ol>
<pre><code class="language-promql">sum(rate(a[5m])) &gt; 1

# no heading
</code></pre>
<table>
<thead>
<tr>
<th>metric</th>
<th style="text-align:right">series</th>
</tr>
</thead>
<tbody>
<tr>
<td><code>a{b=~&quot;x|y&quot;}</code></td>
<td style="text-align:right">1 000</td>
</tr>
<tr>
<td>short</td>
<td></td>
</tr>
</tbody>
</table>
<hr>
<p>end</p>
`
	got, err := HTML(sample)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func TestPlain(t *testing.T) {
	want := `Title with code
---------------

First line second line
after a break

- one bold goes on
  - deeper link (https://x/y?a=1&b=2)
- two <b> & more
3. third

    sum(rate(a[5m])) > 1
    
    # no heading

metric       series
a{b=~"x|y"}  1 000
short

end`
	if diff := cmp.Diff(want, Plain(Parse(sample))); diff != "" {
		t.Error(diff)
	}
}

// FuzzParse checks that any text is taken, and that none of it becomes markup
// of a page.
func FuzzParse(f *testing.F) {
	f.Add(sample)
	f.Add("|\n|-|\n|")
	f.Add("**_`[](<>)`_**\\")
	f.Fuzz(func(t *testing.T, text string) {
		blocks := Parse(text)
		page, err := HTML(text)
		if err != nil {
			t.Error(err)
		}
		if strings.Contains(page, "<script") || strings.Contains(page, "javascript:\"") {
			t.Errorf("%q became %q", text, page)
		}
		Plain(blocks)
	})
}

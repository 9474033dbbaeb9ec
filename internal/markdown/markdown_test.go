package markdown

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

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
		if diff := cmp.Diff(want, Inline(text)); diff != "" {
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
<p>First <em>line</em> second line<br>
after a break</p>
<ul>
<li>one <strong>bold</strong> goes on</li>
<li style="margin-left:2em">deeper <a href="https://x/y?a=1&amp;b=2">link</a></li>
<li>two &lt;b&gt; &amp; more</li>
</ul>
<ol>
<li>third</li>
</ol>
<pre>sum(rate(a[5m])) &gt; 1

# no heading</pre>
<table>
<tr><th>metric</th><th>series</th></tr>
<tr><td><code>a{b=~&#34;x|y&#34;}</code></td><td>1 000</td></tr>
<tr><td>short</td><td></td></tr>
</table>
<p>end</p>
`
	if diff := cmp.Diff(want, HTML(Parse(sample))); diff != "" {
		t.Error(diff)
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
		page := HTML(blocks)
		if strings.Contains(page, "<script") || strings.Contains(page, "javascript:\"") {
			t.Errorf("%q became %q", text, page)
		}
		Plain(blocks)
	})
}

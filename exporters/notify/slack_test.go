package notify

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestSlackText(t *testing.T) {
	text := "# Head `x`\n\nA **bold ** <!channel> & *it*\n\n- [a&b|c](https://x/?a=1&b=2)\n  - deep\n2. two\n\n```\na < b ` c\n```\n\n| m | n |\n|--|--|\n| `a|b` | 1 |\n\n_end_"
	want := "*Head* *`x`*\n\nA **bold ** &lt;!channel&gt; &amp; _it_\n\n• <https://x/?a=1&amp;b=2|a&amp;b¦c>\n    • deep\n2. two\n\n" +
		"```a &lt; b ˋ c\n```\n\n```m    n\na|b  1\n```\n\n_end_"
	sections, cut := slackSections(strings.ReplaceAll(text, "`a|b`", "`a\\|b`"), 5)
	if diff := cmp.Diff([]string{want}, sections); diff != "" || cut {
		t.Error(diff, cut)
	}
}

// The message of a report, as a golden file to look at.
func TestSlackMessage(t *testing.T) {
	var b strings.Builder
	for _, block := range newSlackMessage(digest(t)).Blocks {
		b.WriteString("[" + block.Type + "]\n")
		if block.Text != nil {
			b.WriteString(block.Text.Text + "\n")
		}
		for _, e := range block.Elements {
			b.WriteString(e.Text + "\n")
		}
	}
	golden(t, "slack.txt", b.String())
}

// slackAccepts checks what Slack's documentation demands of a payload.
func slackAccepts(body []byte) error {
	var m slackMessage
	if err := json.Unmarshal(body, &m); err != nil {
		return err
	}
	if len(m.Blocks) > 50 || len(m.Blocks) == 0 || m.Text == "" {
		return fmt.Errorf("%d blocks, text %q", len(m.Blocks), m.Text)
	}
	for _, b := range m.Blocks {
		var texts []slackText
		limit := 3000
		switch {
		case b.Type == "header" && b.Text != nil && b.Text.Type == "plain_text":
			texts, limit = []slackText{*b.Text}, 150
		case b.Type == "section" && b.Text != nil && b.Text.Type == "mrkdwn":
			texts = []slackText{*b.Text}
		case b.Type == "context" && len(b.Elements) > 0 && len(b.Elements) <= 10:
			texts = b.Elements
		default:
			return fmt.Errorf("block %+v", b)
		}
		for _, text := range texts {
			if n := units(text.Text); n == 0 || n > limit {
				return fmt.Errorf("%s of %d characters", b.Type, n)
			}
			if b.Type == "header" {
				continue
			}
			if strings.Count(text.Text, "```")%2 != 0 {
				return fmt.Errorf("code does not end in %q", text.Text)
			}
			if err := slackControls(text.Text); err != nil {
				return err
			}
		}
	}
	return nil
}

// slackControls checks that only links stand in angle brackets and that every
// ampersand begins one of the three entities.
func slackControls(text string) error {
	for i, r := range text {
		rest := text[i:]
		switch r {
		case '&':
			if !strings.HasPrefix(rest, "&amp;") && !strings.HasPrefix(rest, "&lt;") && !strings.HasPrefix(rest, "&gt;") {
				return fmt.Errorf("a bare & in %q", rest)
			}
		case '<':
			link, _, found := strings.Cut(rest[1:], ">")
			if !found || strings.Contains(link, "<") || !strings.HasPrefix(link, "http") && !strings.HasPrefix(link, "mailto:") {
				return fmt.Errorf("a bare < in %q", rest)
			}
		}
	}
	return nil
}

func TestSlackTakesEveryMessage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SampledFrom([]string{"word ", "é", "😀", "&", "<", ">", "**", "`", "```\n", "\n", "\n\n", "- ", "# ", "| a | b |\n|--|--|\n", "[x](https://y/?a=1&b=2)",
			strings.Repeat("long line ", 400), strings.Repeat("&", 900), strings.Repeat("line\n\n", 500), strings.Repeat("[x](https://y/) ", 200), "```\n" + strings.Repeat("code <&>\n", 600)})
		m := message()
		m.Title = strings.Join(rapid.SliceOfN(pieces, 0, 5).Draw(t, "title"), "")
		m.Text = strings.Join(rapid.SliceOfN(pieces, 0, 60).Draw(t, "text"), "")
		body, err := json.Marshal(newSlackMessage(m))
		if err != nil {
			t.Fatal(err)
		}
		if err := slackAccepts(body); err != nil {
			t.Fatal(err)
		}
	})
}

func TestSlackSaysThatItCuts(t *testing.T) {
	m := message()
	m.Text = strings.Repeat(strings.Repeat("x", 2000)+"\n\n", 60)
	got := newSlackMessage(m)
	if len(got.Blocks) != 50 || !strings.Contains(got.Blocks[48].Elements[0].Text, "is cut") || !strings.Contains(got.Blocks[49].Elements[0].Text, "|Open the report>") {
		t.Errorf("%d blocks, %+v", len(got.Blocks), got.Blocks[47:])
	}
}

func TestSlack(t *testing.T) {
	var status int
	var answer string
	r := newReceiver(t, false, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(status)
		io.WriteString(w, answer)
	})
	c := channel(t, "slack", "{url: "+r.URL+"/services/T0/B0/verysecret}")
	tests := []struct {
		status       int
		answer, want string
	}{
		{200, "ok", "taken"},
		{200, "<html>Please log in", `again: answered "<html>Please log in" where Slack says "ok": is it a proxy that answers?`},
		{400, "invalid_payload", "refused: 400 Bad Request: invalid_payload (Slack does not take what sentei wrote"},
		{403, "action_prohibited", "refused: 403 Forbidden: action_prohibited (an admin"},
		{404, "no_service", "refused: 404 Not Found: no_service (the webhook is disabled"},
		{404, "channel_not_found", "refused: 404 Not Found: channel_not_found (the channel"},
		{410, "channel_is_archived", "refused: 410 Gone: channel_is_archived (unarchive"},
		{404, "/services/T0/B0/verysecret not found", "refused: 404 Not Found: <secret> not found"},
		{429, "", "later 30s: 429 Too Many Requests"},
		{500, "rollup_error", "later 30s: 500 Internal Server Error: rollup_error"},
	}
	for _, tt := range tests {
		status, answer = tt.status, tt.answer
		if got := outcome(c.Deliver(t.Context(), message())); !strings.HasPrefix(got, tt.want) || strings.Contains(got, "verysecret") {
			t.Errorf("%d %s: %s", tt.status, tt.answer, got)
		}
	}
	want := `{"text":"Payments: 1,200 more series &lt;than&gt; last week &amp; \"more\"","blocks":[` +
		`{"type":"header","text":{"type":"plain_text","text":"Payments: 1,200 more series <than> last week & \"more\"","emoji":false}},` +
		`{"type":"section","text":{"type":"mrkdwn","text":"*1,200 series* came since Monday.\n\n• ` + "`http_requests_total{path=~\\\"a|b\\\"}`" + ` grew by 900\n• <https://sentei.example.com/ui/metric/a?b=1&amp;c=2|checkout &lt;a&gt;> is new\n\n` +
		"```metric  series\\na_b     12\\n```" + `"}},` +
		`{"type":"context","elements":[{"type":"mrkdwn","text":"<https://sentei.example.com/ui/reports/1?a=b&amp;c=d|Open the report> · sentei, report weekly, owner payments, 2026-11-23 09:00 UTC"}]}],"unfurl_links":false,"unfurl_media":false}` + "\n"
	if diff := cmp.Diff(want, string(r.bodies[0])); diff != "" {
		t.Error(diff)
	}
	if got := outcome(channel(t, "slack", "{url: http://"+closedPort(t)+"/verysecret}").Deliver(t.Context(), message())); !strings.HasPrefix(got, "again: ") || strings.Contains(got, "verysecret") {
		t.Error(got)
	}
}

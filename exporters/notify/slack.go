package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/number"
	"github.com/sentei/sentei/internal/source"
)

var slack = source.New("slack", sentei.Doc{
	Title: "Posts a summary of each report to a Slack channel.",
	Text: `
Posts to an incoming webhook of Slack: the title, what changed since the report before, and a link to the report. Make the
webhook in the settings of a Slack app (Incoming Webhooks, Add New Webhook); the channel is chosen there. Whoever knows its
address may post to the channel: keep it in a file, ` + "`url_file`" + `. It never stands in an error or a log.

Incoming webhooks take no files, so the report itself is behind the link: set ` + "`web.external_url`" + ` so that there is one, or
deliver to another channel as well. Slack takes 50 blocks of 3,000 characters; a longer text is cut at the end of a line, and
the message says so.

429 (more than one message a second) and 5xx are tried again, after the time in Retry-After; so is any answer that is not
Slack's "ok", as that of a proxy. What Slack refuses is final, and the error says what to do: no_service (the webhook is
gone), channel_not_found, channel_is_archived, action_prohibited, invalid_payload and others. Servers that speak the same,
as Mattermost, work too.
`,
	Example: `- slack:
    url_file: slack-url          # holds the address, https://hooks.slack.com/services/…; or url
    timeout: 30s                 # for one request
    # All options of the HTTP client of Prometheus, such as:
    proxy_url: http://proxy:3128
`,
}, slackOptions{defaultHTTP()}, func(o slackOptions, env source.Env) (Channel, error) {
	p, err := newPoster(o.httpOptions, env)
	if err != nil {
		return nil, err
	}
	return &slackChannel{p}, nil
})

type slackOptions struct {
	httpOptions `yaml:",inline"`
}

type slackChannel struct{ *poster }

// The limits of Slack, in UTF-16 units to be safe.
const (
	slackHeader  = 150
	slackSection = 3000
	slackBlocks  = 50
)

type slackMessage struct {
	Text   string       `json:"text"` // of the notification
	Blocks []slackBlock `json:"blocks"`
	// No previews of what is linked to.
	UnfurlLinks bool `json:"unfurl_links"`
	UnfurlMedia bool `json:"unfurl_media"`
}

type slackBlock struct {
	Type     string      `json:"type"`
	Text     *slackText  `json:"text,omitempty"`
	Elements []slackText `json:"elements,omitempty"`
}

type slackText struct {
	Type  string `json:"type"`
	Text  string `json:"text"`
	Emoji *bool  `json:"emoji,omitempty"`
}

// newSlackMessage lays a message out in blocks.
func newSlackMessage(m *Message) slackMessage {
	no := false // names as job:up:sum hold no emoji
	title := shorten(m.Title, slackHeader)
	if title == "" {
		title = m.Report // no text may be empty
	}
	blocks := []slackBlock{{Type: "header", Text: &slackText{"plain_text", title, &no}}}
	sections, cut := slackSections(m.Text, slackBlocks-3)
	for _, text := range sections {
		blocks = append(blocks, slackBlock{Type: "section", Text: &slackText{Type: "mrkdwn", Text: text}})
	}
	context := func(text string) {
		blocks = append(blocks, slackBlock{Type: "context", Elements: []slackText{{Type: "mrkdwn", Text: text}}})
	}
	if cut {
		context("This message is cut: Slack takes no longer ones. The report has all of it.")
	}
	origin := "sentei, report " + slackEscape(shorten(m.Report, 200))
	if m.Part != "" {
		origin += ", " + slackEscape(shorten(m.Part, 200))
	}
	origin += ", " + number.Minute(m.At)
	if m.Link != "" && (cut || !linked(m)) {
		origin = slackLink(m.Link, "Open the report") + " · " + origin
	}
	context(origin)
	return slackMessage{Text: slackEscape(title), Blocks: blocks}
}

// Deliver implements Channel.
func (s *slackChannel) Deliver(ctx context.Context, m *Message) error {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(newSlackMessage(m)); err != nil {
		return &Refused{Err: fmt.Errorf("write the message as JSON: %w", err)}
	}
	r, err := s.post(ctx, body.Bytes(), nil)
	if err != nil {
		return err
	}
	if r.status/100 != 2 {
		code, _, _ := strings.Cut(r.text, "\n")
		return r.failure(s.now(), slackTodo(code))
	}
	if r.text != "ok" {
		return errors.New(`answered "` + oneLine(r.text, 200) + `" where Slack says "ok": is it a proxy that answers?`)
	}
	return nil
}

// slackTodo says what to do about what Slack refuses with.
func slackTodo(code string) string {
	switch strings.TrimSpace(code) {
	case "invalid_payload", "invalid_blocks", "invalid_blocks_format", "no_text":
		return "Slack does not take what sentei wrote: please report this with the message"
	case "no_service", "no_service_id", "no_active_hooks", "invalid_token":
		return "the webhook is disabled or removed, or its address is not whole: make a new one in the settings of the Slack app"
	case "no_team", "team_disabled":
		return "the Slack workspace is gone or disabled"
	case "channel_not_found", "user_not_found":
		return "the channel of the webhook is gone, or private without the app: make a new webhook"
	case "channel_is_archived":
		return "unarchive the channel, or make a webhook for another"
	case "action_prohibited", "posting_to_general_channel_denied":
		return "an admin of the Slack workspace does not let this webhook post there"
	case "too_many_attachments":
		return "Slack does not take so much at once: please report this with the message"
	}
	return ""
}

package yamledit

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

const scrapeIntervalKey = "scrape_interval"

// placeInterval says where the scrape interval of a job goes: in the place of
// its own one, or below its name. The comments of the addition go above.
func (d *document) placeInterval(job *yaml.Node, a *Addition) (edit, *reason) {
	byHand := func(n *yaml.Node, what string) (edit, *reason) {
		return edit{}, &reason{n.Line, what + "; set its " + scrapeIntervalKey + " to " + a.Interval + " by hand"}
	}
	switch {
	case job.Kind == yaml.AliasNode:
		return byHand(job, "the job is an alias of another part of the file")
	case job.Kind != yaml.MappingNode || len(job.Content) == 0:
		return byHand(job, "the job is not a mapping")
	case job.Style&yaml.FlowStyle != 0:
		return byHand(job, "the job is written in braces")
	}
	key, value := pairOf(job, scrapeIntervalKey)
	if key == nil {
		text := indented(a.Items+scrapeIntervalKey+": "+a.Interval+"\n", job.Content[0].Column-1)
		if _, name := pairOf(job, jobNameKey); name != nil && name.Kind == yaml.ScalarNode {
			return d.after(d.lastLine(name), text), nil
		}
		return d.after(d.lastLine(job), text), nil
	}
	switch {
	case value.Kind != yaml.ScalarNode:
		return byHand(value, "its scrape_interval is an alias (*"+value.Value+")")
	case value.Anchor != "":
		return byHand(value, "its scrape_interval has an anchor (&"+value.Anchor+")")
	}
	line := d.lines[value.Line-1]
	rest := string([]rune(line)[value.Column-1:])
	token := ""
	for _, form := range []string{value.Value, `"` + value.Value + `"`, "'" + value.Value + "'"} {
		if form != "" && strings.HasPrefix(rest, form) {
			token = form
		}
	}
	if token == "" || key.Line != value.Line {
		return byHand(value, "its scrape_interval is written in a way that cannot be replaced")
	}
	start := 0
	for _, l := range d.lines[:value.Line-1] {
		start += len(l)
	}
	before := line[:len(line)-len(rest)]
	comments := indented(a.Items, len(before)-len(strings.TrimLeft(before, " ")))
	if strings.HasSuffix(line, "\r\n") {
		comments = strings.ReplaceAll(comments, "\n", "\r\n")
	}
	return edit{offset: start, end: start + len(before) + len(token), text: comments + before + a.Interval}, nil
}

// verifyInterval reads the result back: the job must have the interval, and
// everything else must be as before. It returns the values of the result.
func verifyInterval(before map[any]any, result []byte, l *list, index int, interval string) (map[any]any, error) {
	after, err := readBack(before, result, l)
	if err != nil {
		return nil, err
	}
	return after, onlyChanged(before, after, l, index, scrapeIntervalKey, interval)
}

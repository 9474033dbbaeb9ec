package notify

import (
	"strings"
	"unicode/utf8"
)

// bodyLimit is what GitHub takes of a description or a comment. It counts
// characters; sentei counts bytes, which are never fewer.
const bodyLimit = 65536

// cutMarkdown returns a text of at most so many bytes, cut between two lines,
// with a note where it is cut. A block of code or of details that is cut ends
// there.
func cutMarkdown(text string, most int, note string) string {
	if len(text) <= most {
		return text
	}
	const closeDetails = "\n\n</details>"
	most -= len(note) + len("\n```\n\n**") + len("**") + len(closeDetails)*strings.Count(text, "<details")
	var b strings.Builder
	code := false
	for line := range strings.Lines(text) {
		if b.Len()+len(line) > most {
			break
		}
		if strings.HasPrefix(strings.TrimLeft(line, " "), "```") {
			code = !code
		}
		b.WriteString(line)
	}
	if b.Len() == 0 && most > 0 { // one line that is too long by itself
		end := most / len("&amp;") // it grows
		for end > 0 && !utf8.RuneStart(text[end]) {
			end--
		}
		b.WriteString(escapeMarkdown(text[:end]))
	}
	cut := strings.TrimRight(b.String(), "\n")
	if code {
		cut += "\n```"
	}
	for range strings.Count(cut, "<details") - strings.Count(cut, "</details>") {
		cut += closeDetails
	}
	return cut + "\n\n**" + note + "**"
}

// escapeMarkdown writes plain text, on one line, so that nothing in it is
// markup and nobody is called by it.
func escapeMarkdown(text string) string {
	text = strings.Join(strings.Fields(printable(text)), " ")
	return strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "#", `\#`, "|", `\|`, "~", `\~`,
		"&", "&amp;", "<", "&lt;", ">", "&gt;", "@", "@\u200b").Replace(text)
}

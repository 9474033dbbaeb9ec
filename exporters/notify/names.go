package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// seriesName names the messages of one report and part, for a folder or a
// branch: "weekly--owner-payments". Different ones get different names.
func seriesName(m *Message) string {
	name := slug(m.Report)
	if m.Part != "" {
		name += "--" + slug(m.Part)
	}
	return name
}

// slug returns a text with letters, digits, dots, underscores and hyphens
// only. Its first space, as in "owner payments", becomes a hyphen. A text that
// needs more than that gets a hash, so that no two become one.
func slug(text string) string {
	wanted := strings.Replace(text, " ", "-", 1)
	clean := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-', r == '.':
			return r
		}
		return '-'
	}, wanted)
	clean = strings.Trim(clean, ".-")
	for _, twice := range []string{"..", "--"} {
		for strings.Contains(clean, twice) {
			clean = strings.ReplaceAll(clean, twice, twice[1:])
		}
	}
	clean = strings.TrimSuffix(clean, ".lock") // git knows no such branch
	if len(clean) > 60 {
		clean = clean[:60]
	}
	if clean == wanted {
		return clean
	}
	sum := sha256.Sum256([]byte(text))
	return strings.Trim(clean+"-"+hex.EncodeToString(sum[:4]), "-")
}

package querylog

import (
	"encoding/json"
	"unicode/utf8"
)

// unescape returns the text of the inside of a JSON string. It is the same
// string when there is nothing to change.
func unescape(raw string) (s string, ok bool) {
	if !utf8.ValidString(raw) {
		return unescapeAny(raw)
	}
	var out []byte
	start := 0 // of what is not yet in out
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if c < 0x20 || c == '"' {
			return "", false
		}
		if c != '\\' {
			continue
		}
		if out == nil {
			out = make([]byte, 0, len(raw))
		}
		out = append(out, raw[start:i]...)
		if i++; i == len(raw) {
			return "", false
		}
		switch raw[i] {
		case '"', '\\', '/':
			out = append(out, raw[i])
		case 'n':
			out = append(out, '\n')
		case 't':
			out = append(out, '\t')
		default:
			return unescapeAny(raw)
		}
		start = i + 1
	}
	if out == nil {
		return raw, true
	}
	return string(append(out, raw[start:]...)), true
}

func unescapeAny(raw string) (s string, ok bool) {
	err := json.Unmarshal([]byte(`"`+raw+`"`), &s)
	return s, err == nil
}

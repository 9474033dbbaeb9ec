package querylog

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// isPairs reports whether the line starts with key=, as logfmt does.
func isPairs(line []byte) bool {
	for i, c := range line {
		switch {
		case c == '=':
			return i > 0
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c == '.', c == '-', i > 0 && c >= '0' && c <= '9':
		default:
			return false
		}
	}
	return false
}

// pairs calls set for every key and value of a line of logfmt, or of a JSON
// object whose values are not nested.
func pairs(line string, set func(key, value string)) error {
	if strings.HasPrefix(line, "{") {
		return jsonPairs(line, set)
	}
	for line != "" {
		line = strings.TrimLeft(line, " ")
		end := strings.IndexAny(line, "= ")
		if end < 0 {
			return nil // a key without a value
		}
		key := line[:end]
		if line[end] == ' ' {
			line = line[end:]
			continue
		}
		line = line[end+1:]
		if !strings.HasPrefix(line, `"`) {
			value, rest, _ := strings.Cut(line, " ")
			set(key, value)
			line = rest
			continue
		}
		quoted, rest, ok := cutQuoted(line)
		if !ok {
			return fmt.Errorf("value of %s is not closed", key)
		}
		value, err := unquote(quoted)
		if err != nil {
			return fmt.Errorf("value of %s: %w", key, err)
		}
		if rest != "" && rest[0] != ' ' {
			return fmt.Errorf("text follows the value of %s", key)
		}
		set(key, value)
		line = rest
	}
	return nil
}

func jsonPairs(line string, set func(key, value string)) error {
	var values map[string]any
	if err := json.Unmarshal([]byte(line), &values); err != nil {
		return fmt.Errorf("not a JSON object: %w", err)
	}
	for k, v := range values {
		switch v := v.(type) {
		case string:
			set(k, v)
		case float64:
			set(k, strconv.FormatFloat(v, 'f', -1, 64))
		}
	}
	return nil
}

// cutQuoted splits s after the string that it starts with, quotes included.
func cutQuoted(s string) (quoted, rest string, ok bool) {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return s[:i+1], s[i+1:], true
		}
	}
	return "", "", false
}

// unquote understands the escapes of Go and of JSON: loggers use either.
func unquote(s string) (string, error) {
	if out, err := strconv.Unquote(s); err == nil {
		return out, nil
	}
	var out string
	if err := json.Unmarshal([]byte(s), &out); err != nil {
		return "", errors.New("bad escapes")
	}
	return out, nil
}

// splitSelectors splits selectors that were joined by commas. Commas within
// braces and strings belong to a selector.
func splitSelectors(s string) []string {
	var out []string
	start, depth := 0, 0
	var quote byte
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote != 0:
			if c == '\\' && quote != '`' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'' || c == '`':
			quote = c
		case c == '{':
			depth++
		case c == '}':
			depth--
		case c == ',' && depth == 0:
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return append(out, s[start:])
}

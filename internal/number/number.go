// Package number writes numbers, amounts and times for people. In go values; out
// comes text that is the same everywhere.
package number

import (
	"strconv"
	"strings"
	"time"
)

// Count writes 1234567 as 1,234,567.
func Count(n int64) string { return thousands(strconv.FormatInt(n, 10)) }

// Rate writes a number of samples per second: decimals only where they tell.
func Rate(f float64) string {
	switch {
	case f == 0:
		return "0"
	case f < 10:
		return strconv.FormatFloat(f, 'f', 2, 64)
	case f < 100:
		return strconv.FormatFloat(f, 'f', 1, 64)
	default:
		return thousands(strconv.FormatFloat(f, 'f', 0, 64))
	}
}

// Money writes an amount without its currency.
func Money(f float64) string { return thousands(strconv.FormatFloat(f, 'f', 2, 64)) }

// Headline writes an amount without its fraction where that does not matter.
func Headline(f float64) string {
	if f >= 1000 || f <= -1000 {
		return thousands(strconv.FormatFloat(f, 'f', 0, 64))
	}
	return Money(f)
}

// Percent writes a share of one, as 12.3%.
func Percent(share float64) string {
	if share > 0 && share < 0.0005 {
		return "<0.1%"
	}
	return strconv.FormatFloat(100*share, 'f', 1, 64) + "%"
}

// Score writes a score of 0 to 100.
func Score(f float64) string {
	if f > 0 && f < 0.05 {
		return "<0.1"
	}
	return strconv.FormatFloat(f, 'f', 1, 64)
}

// Size writes bytes in binary units.
func Size(bytes float64) string {
	for _, unit := range []string{"B", "KiB", "MiB", "GiB"} {
		if bytes < 1024 {
			digits := 1
			if unit == "B" {
				digits = 0
			}
			return strconv.FormatFloat(bytes, 'f', digits, 64) + " " + unit
		}
		bytes /= 1024
	}
	return thousands(strconv.FormatFloat(bytes, 'f', 1, 64)) + " TiB"
}

// Span writes a duration in its two biggest units: 30d, 2d1h, 3h20m, 45s.
func Span(d time.Duration) string {
	units := []struct {
		name string
		size time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}}
	for i, u := range units {
		if d < u.size {
			continue
		}
		s := strconv.FormatInt(int64(d/u.size), 10) + u.name
		if i+1 < len(units) {
			if rest := d % u.size / units[i+1].size; rest > 0 {
				s += strconv.FormatInt(int64(rest), 10) + units[i+1].name
			}
		}
		return s
	}
	return "0s"
}

// Minute writes an instant in UTC, to the minute.
func Minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// Date writes the day of an instant in UTC.
func Date(t time.Time) string { return t.UTC().Format("2006-01-02") }

// thousands puts commas into a decimal number.
func thousands(s string) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	whole, fraction, found := strings.Cut(s, ".")
	var b strings.Builder
	b.WriteString(sign)
	for i, c := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	if found {
		b.WriteString("." + fraction)
	}
	return b.String()
}

// Plural writes "1 metric" and "3 metrics"; the plural of nouns in -y is not
// known to it.
func Plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return Count(int64(n)) + " " + noun
}

// Known returns the text of a number, or "?" when the number is not known.
func Known(text string, known bool) string {
	if !known {
		return "?"
	}
	return text
}

// Sum is Known for a sum of which some parts may not be known: then the others
// are the least that it can be.
func Sum(text string, positive, known bool) string {
	if positive && !known {
		return "≥ " + text
	}
	return Known(text, known)
}

// Growth writes a change with its sign, and nothing for none.
func Growth(n *int64) string {
	switch {
	case n == nil || *n == 0:
		return ""
	case *n > 0:
		return "+" + Count(*n)
	default:
		return Count(*n)
	}
}

// Signed writes a number with its sign.
func Signed(n int64) string {
	if n < 0 {
		return "−" + Count(-n)
	}
	return "+" + Count(n)
}

// SignedMoney writes an amount with its sign, without its currency.
func SignedMoney(f float64) string {
	if f < 0 {
		return "−" + Money(-f)
	}
	return "+" + Money(f)
}

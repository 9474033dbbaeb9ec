package promql

import (
	"errors"
	"fmt"
)

// What bounds the time and the memory that a single expression can take.
const (
	// maxText is the longest expression that is analyzed, in bytes.
	maxText = 256 << 10
	// maxOperators is how many operators and opening brackets an expression
	// may have, as many as it could be nested deep. The parsers take time
	// that grows with its square.
	maxOperators = 2000
	// plainText is the length up to which operators need not be counted.
	plainText = 2 * maxOperators
)

var (
	errTooLong = fmt.Errorf("expression is longer than the %d bytes that are analyzed", maxText)
	errTooDeep = fmt.Errorf("expression has more than the %d operators and brackets that are analyzed", maxOperators)
	errTooWide = errors.New("WITH templates expand too far")
)

// checkSize refuses texts that would take too long to parse.
func checkSize(text string) error {
	if len(text) > maxText {
		return errTooLong
	}
	if len(text) <= plainText {
		return nil
	}
	count, braces := 0, 0
	for _, t := range lex(bytesOf(text)) {
		switch {
		case t.is("{"):
			braces++
		case t.is("}"):
			braces--
		case t.kind == symbol && braces <= 0 && !t.is(",", ")", "]"), t.kind == word && operator(t):
			count++
		}
	}
	if count > maxOperators {
		return errTooDeep
	}
	return nil
}

// bytesOf turns a text without variables into units.
func bytesOf(text string) []unit {
	units := make([]unit, len(text))
	for i := range len(text) {
		units[i] = unit{b: text[i]}
	}
	return units
}

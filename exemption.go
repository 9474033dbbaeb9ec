package sentei

import (
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// Exemption keeps proposals away from some series, whatever is known about
// their readers, because somebody says so.
type Exemption struct {
	// Selector is what it covers, as PromQL; Matchers is what that means.
	Selector string
	Matchers []*labels.Matcher
	Reason   string
	Owner    string // who to ask; may be empty
	// Expires is from when on it does not hold any more; zero stands for never.
	Expires time.Time
	Where   string // where it is written, such as "line 12 of the configuration"
}

// Expired reports whether the exemption does not hold at the instant.
func (e *Exemption) Expired(at time.Time) bool {
	return !e.Expires.IsZero() && !at.Before(e.Expires)
}

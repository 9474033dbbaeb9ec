package report

import (
	"fmt"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/number"
)

// A proofRow is why nobody notices a proposal, as text.
type proofRow struct {
	Theorem, Looked, Executed string
	Summary                   string // of the readers; empty when there are none
	Readers                   []readerRow
	More                      int // readers that are not listed
}

type readerRow struct{ Who, Selector, Because string }

// maxReaders keeps the page light; sentei explain proposal names all.
const maxReaders = 8

func (v *view) proof(p *sentei.Proof) *proofRow {
	if p == nil {
		return nil
	}
	row := &proofRow{
		Theorem: p.Theorem,
		Looked:  fmt.Sprintf("Looked at: %s with %s.", number.Plural(p.Consumers, "living consumer"), number.Plural(p.Selectors, "selector")),
	}
	if n := len(p.Readers); n > 0 {
		row.Summary = number.Plural(n, "selector") + " that read it and do not notice"
		row.More = max(0, n-maxReaders)
		for _, reader := range p.Readers[:n-row.More] {
			row.Readers = append(row.Readers, readerRow{v.who(reader.Consumer), reader.Selector, reader.Because})
		}
	}
	if x := p.Executed; x != nil {
		row.Executed = fmt.Sprintf("Executed over %s stored series: %s change, exactly those planned", number.Count(x.Series), number.Count(x.Changed))
		if x.Distinct {
			row.Executed += "; the rest stay distinct"
		}
		row.Executed += "."
	}
	return row
}

// rehearsed says how the rehearsal of a proposal went, or "" without one.
func rehearsed(p *sentei.Proposal) string {
	h := p.Rehearsal
	if h == nil {
		return ""
	}
	how := "without a difference"
	if p.Tolerance > 0 {
		how = "with an error of no more than " + number.Percent(p.Tolerance)
	}
	s := fmt.Sprintf("%s of %s that read what it changes replayed %s", number.Count(int64(h.Replayed)), number.Plural(h.Consumers, "consumer"), how)
	if h.Detail != "" {
		s += "; " + h.Detail
	}
	return s + "."
}

// Package notify delivers reports to where people look. In go a Message and
// the options of a channel from the configuration; out goes the message to
// files, a webhook, Slack, mail or a pull request. It neither retries nor
// keeps anything: whoever calls it does.
package notify

import (
	"context"
	"time"

	"github.com/sentei/sentei/internal/source"
)

// Message is one report, ready to be delivered. It is kept as JSON until it is
// delivered.
type Message struct {
	// Key is the same whenever the same report is delivered again after a
	// failure, and no other message has it. A channel hands it on, so that a
	// receiver can tell.
	Key string `json:"key"`
	// Report is the name of the scheduled report in the configuration, Part
	// which part of it this is, as "backend edge" or "owner payments"; empty for
	// a report of everything. Both together name a series of messages of which
	// a newer one takes the place of an older one.
	Report string `json:"report"`
	Part   string `json:"part,omitempty"`
	// At is the instant that the report speaks of.
	At time.Time `json:"at"`
	// Title is one line of plain text, Text a few paragraphs of Markdown that
	// say first what changed.
	Title string `json:"title"`
	Text  string `json:"text"`
	// Link is where the daemon shows the report; empty when that is not known.
	Link  string `json:"link,omitempty"`
	Facts Facts  `json:"facts"`
	// Files are the report in the formats that were asked for; the first is
	// the one for reading.
	Files []File `json:"files"`
	// Edits are the user's own files as accepted and pending proposals would
	// have them, for channels that send changes for review. Sorted by path.
	Edits []Edit `json:"edits,omitempty"`
	// Relabel says in Markdown what the edits do, proposal by proposal.
	Relabel string `json:"relabel,omitempty"`
}

// Facts are the sums of a report, for programs.
type Facts struct {
	Backends []string `json:"backends"`
	Currency string   `json:"currency,omitempty"`
	Series   int64    `json:"series"` // active ones
	PerMonth float64  `json:"per_month"`
	// SeriesGrowth and PerMonthGrowth are what came to these since the message
	// before; nil for the first one.
	SeriesGrowth   *int64   `json:"series_growth,omitempty"`
	PerMonthGrowth *float64 `json:"per_month_growth,omitempty"`
	// Proposals that are not decided against, and what they would save.
	Proposals      int     `json:"proposals"`
	SavingSeries   int64   `json:"saving_series"`
	SavingPerMonth float64 `json:"saving_per_month"`
	// Problems that keep verdicts unknown.
	BlockingProblems int `json:"blocking_problems"`
	Regrets          int `json:"regrets"`
}

// File is a rendering of the report.
type File struct {
	Name        string `json:"name"` // without a folder
	ContentType string `json:"content_type"`
	Body        []byte `json:"body"`
}

// Edit is a file of the user with changes made to it.
type Edit struct {
	Path string `json:"path"` // as it stands in the diff, with slashes
	// Backend is the one that the file belongs to. Its files are changed
	// together or not at all: some changes need others.
	Backend string `json:"backend"`
	Old     []byte `json:"old"`
	New     []byte `json:"new"`
}

// A Channel delivers messages to one place. Its method may be called from any
// goroutine.
type Channel interface {
	// Deliver hands the message over. It returns nil only when the receiver
	// has taken it. The error is a *Refused when trying again cannot help, and
	// a *Later when the receiver says when it can; otherwise another try may
	// succeed. No error holds a secret.
	Deliver(ctx context.Context, m *Message) error
}

// Refused is the error of a delivery that will not succeed however often it
// is tried: the receiver knows no such address, or rejects what it was sent.
type Refused struct{ Err error }

func (e *Refused) Error() string { return e.Err.Error() }

// Unwrap returns what the receiver said.
func (e *Refused) Unwrap() error { return e.Err }

// Later is the error of a receiver that asks not to be tried again before some
// time has passed.
type Later struct {
	Err   error
	After time.Duration
}

func (e *Later) Error() string { return e.Err.Error() }

// Unwrap returns what the receiver said.
func (e *Later) Unwrap() error { return e.Err }

// Info describes one kind of channel.
type Info = source.Info[Channel]

// All lists every kind of channel, in the order of the documentation.
func All() []Info {
	return []Info{fileChannel, webhook, slack, email, gitHub}
}

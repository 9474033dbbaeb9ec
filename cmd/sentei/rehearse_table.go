package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sentei/sentei/internal/number"
	"github.com/sentei/sentei/rules/rehearsal"
)

// writeRehearsalTable writes the result for a terminal: the outcome first, then
// what is to be looked at.
func writeRehearsalTable(w io.Writer, r *rehearsal.Result) error {
	var out bytes.Buffer // writes to it cannot fail
	t := &rehearsalTable{Result: r, out: &out}
	t.head()
	t.differences()
	t.errors()
	t.transients()
	t.collisions()
	t.outcomes("NOT REHEARSED", rehearsal.NotRehearsed)
	t.outcomes("UNSTABLE", rehearsal.Unstable)
	t.outcomes("RECORDING RULES THAT NOBODY READS, and whose input changes", rehearsal.Dead)
	t.changes()
	for _, n := range r.Notes {
		t.line("note: %s", n)
	}
	t.line("\nNo difference on past data is no proof: see docs/rehearsal.md.")
	if _, err := out.WriteTo(w); err != nil {
		return fmt.Errorf("write rehearsal: %w", err)
	}
	return nil
}

type rehearsalTable struct {
	*rehearsal.Result
	out *bytes.Buffer
}

func (t *rehearsalTable) line(format string, args ...any) { fmt.Fprintf(t.out, format+"\n", args...) }

// grid writes rows of cells that tabs separate.
func (t *rehearsalTable) grid(rows []string) {
	w := tabwriter.NewWriter(t.out, 0, 0, 3, ' ', 0)
	for _, r := range rows {
		fmt.Fprintln(w, strings.ReplaceAll(r, "\n", " "))
	}
	w.Flush() //nolint:errcheck // writes to the buffer cannot fail
}

func (t *rehearsalTable) head() {
	f := &t.Figures
	verdict := "no difference"
	switch {
	case !t.Clean():
		verdict = fmt.Sprintf("%d consumers see a difference", f.Differs)
	case f.NotRehearsed+f.Unstable > 0:
		verdict = "no difference in what could be compared, but not all could"
	}
	t.line("REHEARSAL of %d changes of backend %s: %s.", len(t.Changes), t.Backend, verdict)
	t.line("They alter %d series, stored %s to %s. %d queries loaded %d samples.\n",
		f.Series, t.From.Format(time.RFC3339), t.To.Format(time.RFC3339), f.Queries, f.Samples)
	t.grid([]string{
		"CONSUMERS\tOUTCOME",
		fmt.Sprintf("%d\tread none of these series: nothing to replay", f.Untouched),
		fmt.Sprintf("%d\treplayed, the same (%d of them returned nothing either way)", f.Same, f.Empty),
		fmt.Sprintf("%d\tread from an aggregate, with an error that is tolerated", f.Within),
		fmt.Sprintf("%d\treplayed, with a difference", f.Differs),
		fmt.Sprintf("%d\tunstable: differ from themselves on the same data", f.Unstable),
		fmt.Sprintf("%d\tnot rehearsed: may see a difference", f.NotRehearsed),
		fmt.Sprintf("%d\tdead: recording rules that nobody reads", f.Dead),
	})
}

func (t *rehearsalTable) differences() {
	if len(t.Differences) == 0 {
		return
	}
	t.line("\nDIFFERENCES")
	const most = 10 // of each change
	for i, same := 0, 0; i < len(t.Differences); i++ {
		d := &t.Differences[i]
		if i > 0 && slices.Equal(d.Changes, t.Differences[i-1].Changes) {
			same++
		} else {
			same = 0
		}
		if same >= most {
			if i == len(t.Differences)-1 || !slices.Equal(d.Changes, t.Differences[i+1].Changes) {
				t.line("and %d more because of %s; -o json shows all", same-most+1, t.titles(d.Changes))
			}
			continue
		}
		together := ""
		if len(d.Changes) > 1 {
			together = ", together"
		}
		if d.Vague {
			together = ", among them"
		}
		t.line("%s of %s, because of %s%s", d.Kind, names(d.Consumers), t.titles(d.Changes), together)
		t.line("  %s", oneLine(d.Expr))
		t.line("  at %s, and at %d instants in all: %s", d.At.Format("2006-01-02T15:04:05.000Z07:00"), d.Instants, oneLine(d.Detail))
	}
}

// errors lists how far values are off that are read from aggregates.
func (t *rehearsalTable) errors() {
	if len(t.Errors) == 0 {
		return
	}
	t.line("\nERRORS of what is read from an aggregate, the largest first")
	rows := []string{"MAX\tMEDIAN\tJUST STORED\tAT\tAGE\tCONSUMERS\tBECAUSE OF"}
	const most = 20
	for i := range t.Errors[:min(len(t.Errors), most)] {
		e := &t.Errors[i]
		rows = append(rows, fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s\t%s", number.Percent(e.Max), number.Percent(e.Median), number.Percent(e.Aligned),
			e.At.Format(time.RFC3339), e.Age.Round(time.Second), names(e.Consumers), t.titles([]string{e.Change})))
	}
	t.grid(rows)
	if n := len(t.Errors) - most; n > 0 {
		t.line("and %d more; -o json shows all", n)
	}
}

// transients lists what shows for a while after a deployment, the worst first.
func (t *rehearsalTable) transients() {
	if len(t.Transients) == 0 {
		return
	}
	all := slices.Clone(t.Transients)
	slices.SortStableFunc(all, func(a, b rehearsal.Transient) int {
		return cmp.Or(cmp.Compare(b.Lasts, a.Lasts), cmp.Compare(b.Error, a.Error))
	})
	t.line("\nWHEN DEPLOYED: %d expressions differ for a while, since series end and begin anew", len(all))
	const most = 10
	for i := range all[:min(most, len(all))] {
		x := &all[i]
		what := fmt.Sprintf("up to %.3g %%", 100*x.Error)
		if x.Series {
			what = "series are lost or new"
		}
		t.line("%s, for %s: %s, because of %s", what, x.Lasts, names(x.Consumers), t.titles(x.Changes))
		t.line("  %s", oneLine(x.Expr))
	}
	if n := len(all) - most; n > 0 {
		t.line("and %d more; -o json shows all", n)
	}
}

// titles says what the changes do.
func (t *rehearsalTable) titles(ids []string) string {
	const most = 5
	var out []string
	for i := range t.Changes {
		for _, id := range ids {
			if t.Changes[i].ID == id && len(out) < most {
				out = append(out, fmt.Sprintf("%s (%s)", t.Changes[i].Title, id))
			}
		}
	}
	if n := len(ids) - len(out); n > 0 {
		out = append(out, fmt.Sprintf("%d more", n))
	}
	return strings.Join(out, ", ")
}

// names lists consumers, the first of them by name.
func names(consumers []rehearsal.Consumer) string {
	c := consumers[0]
	s := fmt.Sprintf("%s %q", c.Kind, c.Name)
	if c.Location != "" {
		s += " at " + c.Location
	}
	if n := len(consumers) - 1; n > 0 {
		s += fmt.Sprintf(" and %d more", n)
	}
	return s
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func (t *rehearsalTable) collisions() {
	if t.Figures.Collisions == 0 {
		return
	}
	t.line("\nCOLLISIONS: %d times several series become one, %d times it is not known what that would hold", t.Figures.Collisions, t.Figures.Ambiguous)
	const most = 10
	for i := range t.Collisions[:min(most, len(t.Collisions))] {
		c := &t.Collisions[i]
		when := "one after the other"
		if !c.From.IsZero() {
			when = fmt.Sprintf("at the same time, %s to %s", c.From.Format(time.RFC3339), c.To.Format(time.RFC3339))
		}
		t.line("%d series become %s, %s", c.Series, c.Labels, when)
	}
}

func (t *rehearsalTable) outcomes(title string, status rehearsal.Status) {
	rows := []string{"\n" + title}
	for i := range t.Outcomes {
		if o := &t.Outcomes[i]; o.Status == status {
			rows = append(rows, fmt.Sprintf("%s: %s", names(o.Consumers), oneLine(o.Reason)), "  "+oneLine(o.Expr))
		}
	}
	if len(rows) > 1 {
		t.line("%s", strings.Join(rows, "\n"))
	}
}

// changes lists those that can be noticed, or that could not be rehearsed.
func (t *rehearsalTable) changes() {
	rows := []string{"CHANGE\tSERIES\tDROPPED\tREAD BY\tREPLAYED\tRESULT\tID"}
	quiet, idle := 0, 0
	for i := range t.Changes {
		c := &t.Changes[i]
		result := "same"
		switch {
		case c.Reason != "":
			result = "not rehearsed: " + oneLine(c.Reason)
		case c.Differs:
			result = "differs"
		case c.Ambiguous > 0:
			result = "ambiguous collisions"
		case c.Series == 0:
			idle++
			continue
		case c.Consumers == 0:
			quiet++
			continue
		case c.Replayed < c.Consumers:
			result = "same in what was replayed"
		}
		// They are sorted, so the first one is the largest.
		if k := slices.IndexFunc(t.Errors, func(e rehearsal.ConsumerError) bool { return e.Change == c.ID }); k >= 0 {
			result = strings.Replace(result, "same", "off by up to "+number.Percent(t.Errors[k].Max), 1)
		}
		if c.Transient > 0 {
			result += fmt.Sprintf(" but for %s when deployed", c.Transient)
		}
		rows = append(rows, fmt.Sprintf("%s\t%d\t%d\t%d\t%d\t%s\t%s", c.Title, c.Series, c.Dropped, c.Consumers, c.Replayed, result, c.ID))
	}
	if len(rows) > 1 {
		t.line("")
		t.grid(rows)
	}
	if quiet > 0 {
		t.line("\n%d changes alter series that no known consumer reads.", quiet)
	}
	if idle > 0 {
		t.line("\n%d changes alter no stored series.", idle)
	}
}

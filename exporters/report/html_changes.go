package report

import "github.com/sentei/sentei/internal/changes"

// changesView is what changed, as the template shows it.
type changesView struct {
	Title, Lead, Queries string
	Lists                []changesTable
}

type changesTable struct {
	Title   string
	Columns []changesColumn
	Rows    [][]changesCell
	Rest    int
}

type changesColumn struct{ Title, Class string }

type changesCell struct{ Text, Class string }

// htmlChanges returns nil when nothing is known of an earlier report.
func htmlChanges(c *changes.Changes) *changesView {
	if c == nil {
		return nil
	}
	p := changesPage{Changes: c, o: Options{Top: topChanges}}
	v := &changesView{Title: p.title(), Lead: p.headline(), Queries: p.queries()}
	for _, l := range p.lists() {
		t := changesTable{Title: l.Title, Rest: l.Rest}
		class := make([]string, len(l.columns))
		for i, column := range l.columns {
			switch {
			case column.right:
				class[i] = "num"
			case column.code:
				class[i] = "name"
			}
			t.Columns = append(t.Columns, changesColumn{column.title, class[i]})
		}
		for _, row := range l.rows {
			var cells []changesCell
			for i := range row {
				cells = append(cells, changesCell{row[i].text, class[i]})
			}
			t.Rows = append(t.Rows, cells)
		}
		v.Lists = append(v.Lists, t)
	}
	return v
}

package grafana

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	read "github.com/sentei/sentei/internal/grafana"
)

var update = flag.Bool("update", false, "rewrite deploy/mixin/dashboards")

const folder = "../../deploy/mixin/dashboards"

func all(t *testing.T) []Dashboard {
	t.Helper()
	made, err := Dashboards()
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func decode(t *testing.T, d Dashboard) *dashboard.Dashboard {
	t.Helper()
	board := dashboard.NewDashboard()
	if err := json.Unmarshal(d.JSON, board); err != nil {
		t.Fatal(err)
	}
	return board
}

// The committed dashboards are those that the code makes, and there are no
// others.
func TestCommitted(t *testing.T) {
	want := map[string]bool{}
	for _, d := range all(t) {
		want[d.File] = true
		path := filepath.Join(folder, d.File)
		if *update {
			if err := os.WriteFile(path, d.JSON, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(got), string(d.JSON)); diff != "" {
			t.Errorf("%s differs (-committed +made); run with -update when that is meant:\n%s", d.File, diff)
		}
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !want[e.Name()] {
			t.Errorf("nothing makes %s", e.Name())
		}
	}
}

// Grafana's own types take every field, and the values are within their bounds.
func TestSchema(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	for _, d := range all(t) {
		// A clean dashboard gives an error without a text.
		if err := dashboard.NewDashboard().UnmarshalJSONStrict(d.JSON); err != nil && err.Error() != "" {
			t.Errorf("%s: %v", d.File, err)
		}
		board := decode(t, d)
		if err := board.Validate(); err != nil {
			t.Errorf("%s: %v", d.File, err)
		}
		if len(board.Panels) < 8 {
			t.Errorf("%s has %d panels", d.File, len(board.Panels))
		}
	}
}

// Panels lie side by side on the grid of 24 columns, line under line without
// holes; each has a title and a description, and no two an identifier.
func TestLayout(t *testing.T) {
	const columns = 24
	for _, d := range all(t) {
		board := decode(t, d)
		taken, bottom, area := map[[2]uint32]string{}, uint32(0), uint32(0)
		ids := map[uint32]bool{}
		for _, p := range board.Panels {
			pos, title, id := (*dashboard.GridPos)(nil), "", uint32(0)
			if p.RowPanel != nil {
				pos, title, id = p.RowPanel.GridPos, *p.RowPanel.Title, p.RowPanel.Id
			} else {
				pos, title, id = p.Panel.GridPos, *p.Panel.Title, *p.Panel.Id
				if p.Panel.Description == nil || !strings.HasSuffix(*p.Panel.Description, ".") {
					t.Errorf("%s: panel %s has no description", d.File, title)
				}
				if p.Panel.Datasource == nil || *p.Panel.Datasource.Uid != "${datasource}" || len(p.Panel.Targets) == 0 {
					t.Errorf("%s: panel %s does not ask the chosen data source", d.File, title)
				}
			}
			if title == "" || id == 0 || ids[id] {
				t.Errorf("%s: panel %q has the identifier %d", d.File, title, id)
			}
			ids[id] = true
			if pos.X+pos.W > columns {
				t.Errorf("%s: panel %s ends at column %d", d.File, title, pos.X+pos.W)
			}
			for x := pos.X; x < pos.X+pos.W; x++ {
				for y := pos.Y; y < pos.Y+pos.H; y++ {
					if other, ok := taken[[2]uint32{x, y}]; ok {
						t.Fatalf("%s: panels %s and %s overlap", d.File, title, other)
					}
					taken[[2]uint32{x, y}] = title
				}
			}
			bottom, area = max(bottom, pos.Y+pos.H), area+pos.W*pos.H
		}
		if area != columns*bottom {
			t.Errorf("%s: %d cells of the grid are empty", d.File, columns*bottom-area)
		}
	}
}

// sentei itself understands its dashboards: every expression, with nothing
// that it could not read. And they ask for metrics that are documented.
func TestReadBySentei(t *testing.T) {
	doc, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`sentei_[a-z_]+`)
	asked := map[string]bool{}
	for _, d := range all(t) {
		f, err := read.Read(d.File, d.JSON)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range f.Issues {
			t.Errorf("%s: %s", d.File, i.Message)
		}
		for _, board := range f.Dashboards {
			queries := board.Queries(nil)
			if len(queries) < 15 {
				t.Errorf("%s: %d expressions", d.File, len(queries))
			}
			for _, q := range queries {
				if q.Opaque != "" {
					t.Errorf("%s: %s: %s", d.File, q.Location, q.Opaque)
				}
				for _, n := range names.FindAllString(q.Expression.Text, -1) {
					asked[n] = true
				}
			}
		}
	}
	for n := range asked {
		if !strings.Contains(string(doc), "`"+n+"`") {
			t.Errorf("%s is not in docs/metrics.md", n)
		}
	}
}

// The same on every call.
func TestSameBytes(t *testing.T) {
	if d := cmp.Diff(all(t), all(t)); d != "" {
		t.Error(d)
	}
}

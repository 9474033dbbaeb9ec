package sentei_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/sentei/sentei"

// layers are the folders of the module, from the top to the bottom. A package
// may import packages of lower layers and of its own folder. analyzer, rules
// and exporters stand in one layer, so they never import each other: they meet
// in the types of the root.
var layers = [][]string{
	{"cmd"},
	{"internal/daemon"},
	{"analyzer", "rules", "exporters", "deploy"},
	{"internal"},
	{""}, // the root
}

// layer returns the layer and the folder in it that a package belongs to.
func layer(pkg string) (level int, folder string) {
	path := strings.TrimPrefix(strings.TrimPrefix(pkg, module), "/")
	for level, folders := range layers {
		for _, f := range folders {
			if path == f || f != "" && strings.HasPrefix(path, f+"/") {
				return level, f
			}
		}
	}
	return -1, ""
}

func TestImportsRunOneWay(t *testing.T) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Stderr = t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		seen++
		from, folder := layer(p.ImportPath)
		if from < 0 {
			t.Errorf("%s is in no layer: add its folder to the design and to layers", p.ImportPath)
		}
		for _, i := range p.Imports {
			if !strings.HasPrefix(i, module) {
				if folder == "" && slices.Contains([]string{"os", "net", "net/http", "os/exec", "sync", "log/slog"}, i) {
					t.Errorf("the root package imports %s: it does no input or output", i)
				}
				continue
			}
			if to, other := layer(i); to < from || to == from && other != folder {
				t.Errorf("%s imports %s, which lies above or beside it", p.ImportPath, i)
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d packages seen", seen)
	}
}

package files

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei/internal/source"
)

// folder makes the files (or links, as "-> target") in a new folder.
func folder(t *testing.T, entries map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range entries {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, ok := strings.CutPrefix(content, "-> "); ok {
			err = os.Symlink(target, path)
		} else {
			err = os.WriteFile(path, []byte(content), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFind(t *testing.T) {
	dir := folder(t, map[string]string{
		"config/x":               "",
		"rules/b.yml":            "b",
		"rules/a.yml":            "a",
		"boards/z.JSON":          "{}",
		"boards/sub/y.json":      "{}",
		"boards/sub/readme.md":   "",
		"boards/.hidden/x.json":  "{}",
		"boards/up":              "-> ..",
		"boards/linked.json":     "-> sub/y.json",
		"boards/gone.json":       "-> nowhere",
		"empty/readme.md":        "",
		"mount/..1/a.json":       "{}",
		"mount/..data":           "-> ..1",
		"mount/a.json":           "-> ..data/a.json",
		"loop/self":              "-> .",
		"loop/a.json":            "{}",
		"broken/link.yml":        "-> nowhere",
		"brackets/[odd] (1).yml": "",
	})
	tests := map[string]struct {
		patterns []string
		ext      string
		want     []string
	}{
		"glob, each once": {[]string{"../rules/*.yml", "../rules/a.yml"}, "", []string{"../rules/a.yml", "../rules/b.yml"}},
		"absolute":        {[]string{dir + "/rules/a*"}, "", []string{dir + "/rules/a.yml"}},
		"folder":          {[]string{"../rules"}, "", []string{"../rules! is a folder"}},
		"nothing":         {[]string{"../rules/*.rules", "../rules/a.yml"}, "", []string{"../rules/a.yml", "../rules/*.rules! no file matches ../rules/*.rules"}},
		"below a folder": {[]string{"../boards/sub", "../boards/z*"}, ".json", []string{
			"../boards/sub/y.json", "../boards/z.JSON"}},
		"mounted config map": {[]string{"../mount"}, ".json", []string{"../mount/a.json"}},
		"loop":               {[]string{"../loop"}, ".json", []string{"../loop/a.json"}},
		"empty folder":       {[]string{"../empty"}, ".json", []string{"../empty! no file matches ../empty"}},
		"broken link":        {[]string{"../broken/*"}, "", []string{"../broken/link.yml! read file: no such file or directory"}},
		"odd name":           {[]string{"../brackets/*"}, "", []string{"../brackets/[odd] (1).yml"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			found, problems := Find(source.Env{Dir: filepath.Join(dir, "config")}, tt.patterns, tt.ext)
			var got []string
			for _, f := range found {
				got = append(got, f.Name)
				if _, err := Read(f); err != nil {
					t.Error(err)
				}
			}
			for _, p := range problems {
				got = append(got, p.Where+"! "+p.Message)
				if !p.Blocking {
					t.Errorf("%q does not block", p.Message)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFindFollowsLinksOutOfTheFolder(t *testing.T) {
	dir := folder(t, map[string]string{"boards/up": "-> ../other", "other/a.json": "{}", "boards/gone.json": "-> nowhere"})
	found, problems := Find(source.Env{Dir: dir}, []string{"boards"}, ".json")
	if len(found) != 1 || found[0].Name != "boards/up/a.json" {
		t.Errorf("found %v", found)
	}
	if len(problems) != 1 || problems[0].Where != "boards/gone.json" {
		t.Errorf("problems %v", problems)
	}
}

func TestFindBesideAnOddFolderName(t *testing.T) {
	dir := folder(t, map[string]string{"[a]*/conf/x": "", "[a]*/r.yml": ""})
	found, problems := Find(source.Env{Dir: filepath.Join(dir, "[a]*", "conf")}, []string{"../*.yml"}, "")
	if len(found) != 1 || found[0].Name != "../r.yml" || len(problems) > 0 {
		t.Errorf("found %v, problems %v", found, problems)
	}
}

func TestCheck(t *testing.T) {
	tests := []struct {
		patterns []string
		want     string
	}{
		{[]string{"a/*.yml"}, ""},
		{nil, "paths: at least one path or glob pattern is needed"},
		{[]string{""}, `paths: "" is no valid glob pattern`},
		{[]string{"a", "[b"}, `paths: "[b" is no valid glob pattern`},
		{[]string{"a/**/b.yml"}, `paths: "a/**/b.yml": ** is not supported, name each folder`},
	}
	for _, tt := range tests {
		got := ""
		if err := Check("paths", tt.patterns); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.patterns, got, tt.want)
		}
	}
}

func TestReadBounds(t *testing.T) {
	dir := folder(t, map[string]string{"big": ""})
	if err := os.Truncate(filepath.Join(dir, "big"), MaxSize+1); err != nil {
		t.Fatal(err)
	}
	found, _ := Find(source.Env{Dir: dir}, []string{"big"}, "")
	if _, err := Read(found[0]); err == nil || err.Error() != "the file is larger than 64 MiB" {
		t.Errorf("got %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "big")); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(found[0]); err == nil || err.Error() != "read file: no such file or directory" {
		t.Errorf("got %v", err)
	}
}

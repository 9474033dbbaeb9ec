package source

import (
	"errors"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/sentei/sentei"
)

type options struct {
	Path string `yaml:"path"`
	Max  int    `yaml:"max"`
}

func TestBuild(t *testing.T) {
	info := New("thing", sentei.Doc{}, options{Max: 7}, func(o options, _ Env) (options, error) {
		if o.Path == "" {
			return o, errors.New("path is missing")
		}
		return o, nil
	})
	tests := map[string]struct {
		yaml string
		want options
		err  string
	}{
		"defaults stay":            {yaml: "a: b\nthing:\n  path: x\n", want: options{"x", 7}},
		"unknown key has its line": {yaml: "thing:\n  path: x\n  pth: y\n", err: "line 3: field pth not found"},
		"wrong type has its line":  {yaml: "thing:\n  max: many\n", err: "line 2"},
		"check has the line":       {yaml: "a: b\nthing:\n  max: 3\n", err: "line 3: thing: path is missing"},
		"empty":                    {yaml: "thing:\n", err: "path is missing"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var doc struct {
				Thing yaml.Node `yaml:"thing"`
			}
			if err := yaml.Unmarshal([]byte(tt.yaml), &doc); err != nil {
				t.Fatal(err)
			}
			got, err := info.Build(&doc.Thing, Env{})
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want one with %q", err, tt.err)
				}
				return
			}
			if err != nil || got != tt.want {
				t.Fatalf("got %+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
}

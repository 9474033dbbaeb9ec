package relabel

import "testing"

func TestEditsOfOnePath(t *testing.T) {
	got, left := distinct([]Edit{{Path: "a"}, {Path: "prometheus.yml"}, {Path: "prometheus.yml"}, {Path: "z"}})
	if len(got) != 2 || got[0].Path != "a" || got[1].Path != "z" || len(left) != 1 {
		t.Errorf("%v, %v", got, left)
	}
}

package yamledit

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRemoteWrite adds rules to entries of remote_write, as it does to jobs.
func TestRemoteWrite(t *testing.T) {
	const file = `remote_write:
  # the first
  - url: http://one
    write_relabel_configs:
      - {regex: x, action: labeldrop} # ours
    queue_config: {capacity: 1}
  - url: http://two
    name: two

  - {url: http://three}
  - url: http://four
  - url: http://four
scrape_configs:
  - job_name: two
`
	tests := map[string]string{ // the reason why not, or the line before what is added
		"http://one":   "ours\n      - regex: y\n        action: labeldrop\n    queue",
		"two":          "name: two\n    write_relabel_configs:\n      - regex: y\n        action: labeldrop\n\n",
		"http://two":   "name: two\n    write_relabel_configs:\n      - regex: y\n        action: labeldrop\n\n",
		"http://three": `line 10: remote_write "http://three": the entry is written in braces: lines cannot be added to it; add the rules by hand`,
		"http://four":  `line 12: remote_write "http://four": it cannot be told from the one in line 11; give both a name`,
		"http://five":  `remote_write "http://five": it is not in this file`,
	}
	for entry, want := range tests {
		patch, err := Append([]byte(file), []Addition{{RemoteWrite: entry, Items: "- regex: y\n  action: labeldrop\n"}})
		if err != nil {
			t.Fatal(err)
		}
		if len(patch.Skipped) > 0 {
			if d := cmp.Diff(want, patch.Skipped[0].Error()); d != "" || string(patch.Result) != file {
				t.Errorf("%s: -want +got\n%s", entry, d)
			}
			continue
		}
		if !strings.Contains(string(patch.Result), want) {
			t.Errorf("%s: want %q in\n%s", entry, want, patch.Result)
		}
	}
	patch, err := Append([]byte("a: &r [{url: x}]\nremote_write: *r\n"), []Addition{{RemoteWrite: "x", Items: "- regex: y\n"}})
	if err != nil || len(patch.Skipped) != 1 {
		t.Error(patch, err)
	}
}

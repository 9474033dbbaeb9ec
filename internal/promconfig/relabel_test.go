package promconfig

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadRelabeling(t *testing.T) {
	read, err := ReadRelabeling([]byte(`global:
  external_labels: {cluster: a}
scrape_configs:
- job_name: a
  metric_relabel_configs: &rules
  # the first
  - source_labels: [__name__]
    regex: b
    action: drop
  -
    regex: c
    action: labeldrop
- job_name: b
  metric_relabel_configs: *rules
- job_name: c
- &d
  job_name: d
  metric_relabel_configs: [{regex: d, action: labeldrop}]
- <<: *d
  job_name: e
- <<: [{honor_labels: true}, *d]
  job_name: f
remote_write:
- url: http://x
- url: http://y
  name: y
  write_relabel_configs:
  - {regex: z, action: labeldrop}
`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	show := func(where string, all []Rules) {
		for _, r := range all {
			s := where + " " + r.Name + r.URL
			for _, rule := range r.Rules {
				s += fmt.Sprintf(" %d:%s", rule.Line, rule.Regex.String())
			}
			got = append(got, s)
		}
	}
	show("job", read.Jobs)
	show("write", read.RemoteWrites)
	want := []string{"job a 7:b 11:c", "job b 7:b 11:c", "job c", "job d 18:d", "job e 18:d", "job f 18:d", "write http://x", "write yhttp://y 28:z"}
	if d := cmp.Diff(want, got); d != "" || read.ExternalLabels["cluster"] != "a" {
		t.Errorf("%v, -want +got\n%s", read.ExternalLabels, d)
	}
	if _, err := ReadRelabeling([]byte("remote_write: [{url: a, write_relabel_configs: [{action: hashmod}]}]")); err == nil {
		t.Error("no error for a rule that Prometheus refuses")
	}
	if read, err := ReadRelabeling(nil); err != nil || len(read.Jobs) != 0 {
		t.Error(read, err)
	}
}

package promconfig

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sentei/sentei"
)

func TestStaticTargets(t *testing.T) {
	const text = `
scrape_configs:
- job_name: plain
  static_configs: [{targets: [a:1, b:1], labels: {job: other}}]
- job_name: probe
  metrics_path: /probe
  scheme: https
  params: {module: [http, tls], x: [1]}
  static_configs: [{targets: [shop.example], labels: {instance: shop}}]
  relabel_configs:
  - {source_labels: [__address__], target_label: __param_target}
  - {target_label: __address__, replacement: probe:9115}
- job_name: kept
  static_configs: [{targets: [a:1, c:1]}]
  relabel_configs:
  - {source_labels: [__address__], regex: c.*, action: keep}
- job_name: gone
  static_configs: [{targets: [a:1]}]
  relabel_configs: [{target_label: __address__, replacement: ""}]
- job_name: found
  kubernetes_sd_configs: [{role: pod}]
`
	read, err := Read([]byte(text), File{"more.yml", []byte("scrape_configs: [{job_name: more, static_configs: [{targets: [d:1]}]}]")})
	if err != nil {
		t.Fatal(err)
	}
	type target struct{ job, stored, instance, url string }
	var got []target
	for _, t := range read.Targets {
		got = append(got, target{t.ScrapeJob, t.Job, t.Instance, t.URL})
	}
	want := []target{
		{"plain", "other", "a:1", "http://a:1/metrics"},
		{"plain", "other", "b:1", "http://b:1/metrics"},
		{"probe", "probe", "shop", "https://probe:9115/probe?module=http&module=tls&target=shop.example&x=1"},
		{"kept", "kept", "c:1", "http://c:1/metrics"},
		{"more", "more", "d:1", "http://d:1/metrics"},
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(target{})); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

func TestDuplicates(t *testing.T) {
	of := func(job, url, asked string) Target {
		return Target{ScrapeTarget: sentei.ScrapeTarget{ScrapeJob: job, Job: job, Instance: "i"}, URL: url, Asked: asked}
	}
	twice := func(url string, jobs ...string) sentei.DuplicateTarget {
		d := sentei.DuplicateTarget{URL: url}
		for _, j := range jobs {
			d.Targets = append(d.Targets, of(j, "", "").ScrapeTarget)
		}
		return d
	}
	tests := map[string]struct {
		targets []Target
		want    []sentei.DuplicateTarget
	}{
		"another port":       {[]Target{of("a", "http://h:1/m", "x"), of("b", "http://h:2/m", "x")}, nil},
		"another path":       {[]Target{of("a", "http://h:1/m", "x"), of("b", "http://h:1/n", "x")}, nil},
		"another scheme":     {[]Target{of("a", "http://h:1/m", "x"), of("b", "https://h:1/m", "x")}, nil},
		"other parameters":   {[]Target{of("a", "http://h:1/m?t=1", "x"), of("b", "http://h:1/m?t=2", "x")}, nil},
		"asked another way":  {[]Target{of("a", "http://h:1/m", "x"), of("b", "http://h:1/m", "y")}, nil},
		"how is not known":   {[]Target{of("a", "http://h:1/m", ""), of("b", "http://h:1/m", "")}, nil},
		"no address":         {[]Target{of("a", "", "x"), of("b", "", "x"), of("a", ":", "x"), of("b", ":", "x")}, nil},
		"one job":            {[]Target{of("a", "http://h:1/m", "x"), of("a", "http://h:1/m", "x")}, nil},
		"two jobs":           {[]Target{of("b", "http://h:1/m", "x"), of("a", "http://h:1/m", "x"), of("a", "http://h:1/m", "x")}, []sentei.DuplicateTarget{twice("http://h:1/m", "a", "b")}},
		"three jobs":         {[]Target{of("b", "http://h:1/m", "x"), of("a", "http://h:1/m", "x"), of("c", "http://h:1/m", "x")}, []sentei.DuplicateTarget{twice("http://h:1/m", "a", "b", "c")}},
		"written otherwise":  {[]Target{of("a", "http://h:80/m?b=2&a=1", "x"), of("b", "http://h/m?a=1&b=2", "x")}, []sentei.DuplicateTarget{twice("http://h/m?a=1&b=2", "a", "b")}},
		"without passwords":  {[]Target{of("a", "https://u:p@h:443/m", "x"), of("b", "https://h/m", "x")}, []sentei.DuplicateTarget{twice("https://h/m", "a", "b")}},
		"sorted by address":  {[]Target{of("a", "http://z/m", "x"), of("b", "http://z/m", "x"), of("a", "http://y/m", "x"), of("b", "http://y/m", "x")}, []sentei.DuplicateTarget{twice("http://y/m", "a", "b"), twice("http://z/m", "a", "b")}},
		"two ways, two jobs": {[]Target{of("a", "http://y/m", "x"), of("b", "http://y/m", "x"), of("c", "http://y/m", "y"), of("d", "http://y/m", "y")}, []sentei.DuplicateTarget{twice("http://y/m", "a", "b"), twice("http://y/m", "c", "d")}},
	}
	for name, tt := range tests {
		if d := cmp.Diff(tt.want, Duplicates(tt.targets)); d != "" {
			t.Errorf("%s: -want +got\n%s", name, d)
		}
	}
}

// TestAsked changes what a target may answer by, one option after the other.
func TestAsked(t *testing.T) {
	seen := map[string]string{}
	for _, options := range []string{
		"", ", proxy_url: http://p", ", http_headers: {X: {values: [a]}}", ", http_headers: {X: {values: [b]}}",
		", basic_auth: {username: a}", ", basic_auth: {username: b}", ", bearer_token_file: a", ", authorization: {credentials_file: a}",
		", scrape_protocols: [PrometheusProto]", ", scrape_native_histograms: true", ", convert_classic_histograms_to_nhcb: true",
		// Each job keeps a part of the series.
		`, metric_relabel_configs: [{source_labels: [path], target_label: __tmp, modulus: 2, action: hashmod}, {source_labels: [__tmp], regex: "0", action: keep}]`,
		`, metric_relabel_configs: [{source_labels: [path], target_label: __tmp, modulus: 2, action: hashmod}, {source_labels: [__tmp], regex: "1", action: keep}]`,
		", metric_relabel_configs: [{source_labels: [__name__], regex: go_.*, action: drop}]",
	} {
		read, err := Read([]byte("scrape_configs: [{job_name: j" + options + "}]"))
		if err != nil {
			t.Fatal(err)
		}
		asked := read.Asked["j"]
		if other, equal := seen[asked]; asked == "" || equal {
			t.Errorf("%q is asked like %q: %q", options, other, asked)
		}
		seen[asked] = options
	}
	same := map[string]bool{}
	for _, options := range []string{"", ", scrape_interval: 5s", ", metrics_path: /a", ", honor_labels: true", ", tls_config: {insecure_skip_verify: true}", ", metric_relabel_configs: [{target_label: x, replacement: y}]"} {
		read, err := Read([]byte("scrape_configs: [{job_name: j" + options + "}]"))
		if err != nil {
			t.Fatal(err)
		}
		same[read.Asked["j"]] = true
	}
	if len(same) != 1 {
		t.Errorf("%d ways", len(same))
	}
}

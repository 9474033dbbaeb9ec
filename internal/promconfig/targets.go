package promconfig

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	"go.yaml.in/yaml/v2"

	"github.com/sentei/sentei"
)

// Target is a target with its address.
type Target struct {
	sentei.ScrapeTarget
	URL string // with path and parameters
	// Asked says in what way beside the URL it is asked, and what is kept of the
	// answer: equal texts stand for equal proxies, headers, credentials, formats
	// and rules that drop series. It is empty when not known.
	Asked string
}

// Duplicates returns the addresses that several scrape jobs scrape in the same
// way, sorted.
func Duplicates(targets []Target) []sentei.DuplicateTarget {
	type address struct{ url, asked string }
	at := map[address][]sentei.ScrapeTarget{}
	for _, t := range targets {
		if u := plainURL(t.URL); u != "" && t.Asked != "" {
			k := address{u, t.Asked}
			at[k] = append(at[k], t.ScrapeTarget)
		}
	}
	var out []sentei.DuplicateTarget
	for k, of := range at {
		slices.SortFunc(of, func(a, b sentei.ScrapeTarget) int {
			return cmp.Or(cmp.Compare(a.ScrapeJob, b.ScrapeJob), cmp.Compare(a.Job, b.Job), cmp.Compare(a.Instance, b.Instance))
		})
		of = slices.CompactFunc(of, func(a, b sentei.ScrapeTarget) bool { return a.ScrapeJob == b.ScrapeJob })
		if len(of) > 1 {
			out = append(out, sentei.DuplicateTarget{URL: k.url, Targets: of})
		}
	}
	slices.SortFunc(out, func(a, b sentei.DuplicateTarget) int {
		return cmp.Or(cmp.Compare(a.URL, b.URL), slices.CompareFunc(a.Targets, b.Targets, func(a, b sentei.ScrapeTarget) int {
			return cmp.Compare(a.ScrapeJob, b.ScrapeJob)
		}))
	})
	return out
}

// plainURL returns the URL without credentials and without the port that its
// scheme has anyway; "" for what is none.
func plainURL(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return ""
	}
	u.User = nil
	if port := map[string]string{"http": "80", "https": "443"}[u.Scheme]; u.Port() == port {
		u.Host = strings.TrimSuffix(u.Host, ":"+port)
	}
	u.RawQuery = u.Query().Encode()
	return u.String()
}

// asked tells how the targets of the job are asked, and what is kept of their
// answers, without a secret in it. Jobs that share the series of a target by
// rules that drop the others keep different parts.
func (s *scrapeConfig) asked() string {
	how := map[string]any{}
	for _, key := range []string{
		"proxy_url", "no_proxy", "proxy_from_environment", "proxy_connect_header", "http_headers",
		"basic_auth", "authorization", "oauth2", "bearer_token", "bearer_token_file", "sigv4", "azuread", "google_iam",
		"headers", "proxy_headers", "proxy_authorization", "proxy_basic_auth", "proxy_bearer_token", "proxy_bearer_token_file", // vmagent
		"scrape_protocols", "fallback_scrape_protocol", "scrape_native_histograms", "scrape_classic_histograms", "always_scrape_classic_histograms",
	} {
		if v, set := s.Others[key]; set {
			how[key] = v
		}
	}
	if s.ConvertHistograms != nil {
		how["convert_classic_histograms_to_nhcb"] = *s.ConvertHistograms
	}
	if slices.ContainsFunc(s.MetricRelabelConfigs, dropsSeries) {
		how["metric_relabel_configs"] = s.MetricRelabelConfigs
	}
	text, err := yaml.Marshal(how) // sorted by key
	if err != nil {
		return ""
	}
	return sentei.HashID(string(text))
}

func dropsSeries(r *relabel.Config) bool {
	return slices.Contains([]relabel.Action{relabel.Keep, relabel.Drop, relabel.KeepEqual, relabel.DropEqual}, r.Action)
}

// targets returns the targets of the static_configs as relabel_configs leave
// them.
func (s *scrapeConfig) targets() []Target {
	params := map[string][]string{}
	if v, set := s.Others["params"]; set { // vmagent wants the same form
		text, err := yaml.Marshal(v)
		if err != nil || yaml.Unmarshal(text, &params) != nil {
			return nil
		}
	}
	asked := s.asked()
	var out []Target
	for _, c := range s.StaticConfigs {
		for _, address := range c.Targets {
			b := labels.NewBuilder(labels.EmptyLabels())
			for _, name := range slices.Sorted(maps.Keys(c.Labels)) {
				b.Set(name, c.Labels[name])
			}
			b.Set(model.AddressLabel, address)
			setDefault(b, model.JobLabel, s.JobName)
			setDefault(b, model.SchemeLabel, cmp.Or(s.text("scheme"), "http"))
			setDefault(b, model.MetricsPathLabel, cmp.Or(s.text("metrics_path"), "/metrics"))
			for name, values := range params {
				if len(values) > 0 {
					setDefault(b, model.ParamLabelPrefix+name, values[0])
				}
			}
			if !relabel.ProcessBuilder(b, s.RelabelConfigs...) || b.Get(model.AddressLabel) == "" {
				continue
			}
			setDefault(b, model.InstanceLabel, b.Get(model.AddressLabel))
			out = append(out, Target{
				ScrapeTarget: sentei.ScrapeTarget{ScrapeJob: s.JobName, Job: b.Get(model.JobLabel), Instance: b.Get(model.InstanceLabel)},
				URL:          targetURL(b.Labels(), params), Asked: asked,
			})
		}
	}
	return out
}

func setDefault(b *labels.Builder, name, value string) {
	if b.Get(name) == "" {
		b.Set(name, value)
	}
}

// text returns an option of the job that is a text, or "".
func (s *scrapeConfig) text(key string) string {
	if v, set := s.Others[key]; set && v != nil {
		return fmt.Sprint(v)
	}
	return ""
}

// targetURL puts the address of a target together: the first value of each
// parameter is that of its label.
func targetURL(l labels.Labels, params map[string][]string) string {
	query := url.Values{}
	for name, values := range params {
		query[name] = slices.Clone(values)
	}
	l.Range(func(l labels.Label) {
		if name, is := strings.CutPrefix(l.Name, model.ParamLabelPrefix); is {
			if len(query[name]) > 0 {
				query[name][0] = l.Value
			} else {
				query[name] = []string{l.Value}
			}
		}
	})
	u := url.URL{Scheme: l.Get(model.SchemeLabel), Host: l.Get(model.AddressLabel), Path: l.Get(model.MetricsPathLabel), RawQuery: query.Encode()}
	return u.String()
}

package relabel

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	"go.yaml.in/yaml/v2"
	"pgregory.net/rapid"

	"github.com/sentei/sentei"
	"github.com/sentei/sentei/internal/relabeling"
)

// readers read what a dialect has written for one scrape job of one backend.
func readers() map[string]func(t *rapid.T, text []byte) *execution {
	return map[string]func(t *rapid.T, text []byte) *execution{
		"prometheus": func(t *rapid.T, text []byte) *execution {
			var back struct {
				ScrapeConfigs []struct {
					Rules []*relabel.Config `yaml:"metric_relabel_configs"`
				} `yaml:"scrape_configs"`
			}
			decode(t, text, &back)
			return validated(t, back.ScrapeConfigs[0].Rules)
		},
		"otel": func(t *rapid.T, text []byte) *execution {
			var back struct {
				Receivers struct {
					Prometheus struct {
						Config struct {
							ScrapeConfigs []struct {
								Rules []*relabel.Config `yaml:"metric_relabel_configs"`
							} `yaml:"scrape_configs"`
						} `yaml:"config"`
					} `yaml:"prometheus"`
				} `yaml:"receivers"`
			}
			decode(t, bytes.ReplaceAll(text, []byte("$$"), []byte("$")), &back)
			return validated(t, back.Receivers.Prometheus.Config.ScrapeConfigs[0].Rules)
		},
		"mimir": func(t *rapid.T, text []byte) *execution {
			var back struct {
				Overrides map[string]struct {
					Rules []*relabel.Config `yaml:"metric_relabel_configs"`
				} `yaml:"overrides"`
			}
			decode(t, text, &back)
			return validated(t, back.Overrides["b"].Rules)
		},
		"operator": func(t *rapid.T, text []byte) *execution {
			rules, err := decodeOperator(text)
			if err != nil {
				t.Fatal(err)
			}
			return byPrometheus(rules[0])
		},
		"scrape_class": func(t *rapid.T, text []byte) *execution {
			rules, err := decodeScrapeClass(text)
			if err != nil {
				t.Fatal(err)
			}
			return byPrometheus(rules)
		},
		"alloy": func(t *rapid.T, text []byte) *execution {
			rules, err := decodeAlloy(text)
			if err != nil {
				t.Fatal(err)
			}
			return byPrometheus(rules[0])
		},
		"vmagent": func(t *rapid.T, text []byte) *execution {
			var back struct {
				ScrapeConfigs []struct {
					Rules []vmagentRule `yaml:"metric_relabel_configs"`
				} `yaml:"scrape_configs"`
			}
			decode(t, text, &back)
			run, err := byVmagent(back.ScrapeConfigs[0].Rules)
			if err != nil {
				t.Fatal(err)
			}
			return run
		},
	}
}

func validated(t *rapid.T, rules []*relabel.Config) *execution {
	if err := validate(rules); err != nil {
		t.Fatal(err)
	}
	return byPrometheus(rules)
}

func decode(t *rapid.T, text []byte, into any) {
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

// TestRulesDoOnlyWhatIsPlanned lets any names, jobs, labels and values stand
// beside each other. The rules that each dialect writes must tell them apart,
// also from names and values that are not known.
func TestRulesDoOnlyWhatIsPlanned(t *testing.T) {
	text := rapid.OneOf(
		rapid.StringMatching(`[a-c]{1,2}`),
		rapid.StringMatching(`[1-9](\.0)?`),
		rapid.SampledFrom([]string{"~", "null", "true", "1e3", "=", "<<"}),
		rapid.StringMatching(`[ab;|()\\.*+?'"#:$@ \n\t{}\[\]%^-]{1,4}`),
		rapid.StringN(1, 5, -1).Filter(func(s string) bool { return s == strings.ToValidUTF8(s, "") }),
	)
	labelName := rapid.SampledFrom([]string{"a", "le", "quantile", "b.c", "d e", "ä"})
	for _, d := range Dialects() {
		readBack := readers()[d.Name]
		if readBack == nil { // adaptive_metrics knows no jobs; what a diff adds are the rules of prometheus
			continue
		}
		t.Run(d.Name, func(t *testing.T) {
			written := 0
			rapid.Check(t, func(t *rapid.T) {
				r, strangers := randomReport(t, text, labelName)
				var out bytes.Buffer
				if err := d.Write(&out, r, Options{Files: map[string]File{"b": {"p.yml", []byte("scrape_configs: [{job_name: " + quote(scrapeJob) + "}]")}}}); err != nil {
					if strings.Contains(err.Error(), "separator is left") {
						return
					}
					t.Fatal(err)
				}
				run := &execution{}
				if bytes.Contains(out.Bytes(), []byte(proposalLine)) {
					run = readBack(t, out.Bytes())
					written++
				}
				checkAgainstPlan(t, r, strangers, run, d.Name == "mimir" || d.Name == "scrape_class", out.String())
			})
			if written == 0 {
				t.Error("nothing was written")
			}
		})
	}
}

// scrapeJob is one that the operator may have made.
const scrapeJob = "probe/ns/s: '"

// proposalLine is in the comment of every rule.
const proposalLine = "). Proposals:"

// randomReport returns a report of one scrape job with proposals, and texts to
// try beside those that it knows.
func randomReport(t *rapid.T, text, labelName *rapid.Generator[string]) (*sentei.Report, []string) {
	jobs := rapid.SliceOfNDistinct(text, 1, 3, rapid.ID).Draw(t, "jobs")
	names := rapid.SliceOfNDistinct(text, 1, 6, rapid.ID).Draw(t, "names")
	var all []stored
	for _, name := range names {
		for _, job := range jobs {
			s := stored{name, job, sentei.Used, "", len(jobs) > 1}
			if rapid.IntRange(0, 2).Draw(t, "unused") == 0 {
				s.verdict, s.scrapeJob = sentei.Unused, scrapeJob
			}
			all = append(all, s)
		}
	}
	r := reportOf("b", []sentei.ScrapeJob{{Name: scrapeJob, JobLabels: jobs}}, all...)
	for i := range r.Metrics {
		m := &r.Metrics[i]
		for k := range m.Jobs {
			if m.JobUsage[k].Verdict == sentei.Unused || rapid.Bool().Draw(t, "whole") {
				continue
			}
			label := labelName.Draw(t, "label")
			values := rapid.SliceOfNDistinct(text, 1, 3, rapid.ID).Draw(t, "values")
			slices.Sort(values)
			a := sentei.Action{Kind: sentei.DropValues, Metric: m.Name, Label: label, Values: values}
			u := sentei.LabelUsage{Name: label, UnusedValues: values}
			if rapid.Bool().Draw(t, "strip") {
				a = sentei.Action{Kind: sentei.StripLabel, Metric: m.Name, Label: label}
				u.Verdict = sentei.Unused
			}
			m.JobUsage[k].Labels = []sentei.LabelUsage{u}
			for _, v := range values {
				if m.Jobs[k].Labels == nil {
					m.Jobs[k].Labels = []sentei.LabelStats{{Name: label}}
				}
				m.Jobs[k].Labels[0].Values = append(m.Jobs[k].Labels[0].Values, sentei.LabelValue{Value: v})
			}
			r.Proposals = append(r.Proposals, sentei.Proposal{
				ID: sentei.HashID(m.Name, m.Jobs[k].Job, label, string(a.Kind)), Action: a,
				Place: sentei.Place{Backend: "b", ScrapeJob: scrapeJob, Job: m.Jobs[k].Job, Shared: len(jobs) > 1},
			})
		}
	}
	return r, rapid.SliceOfN(text, 0, 4).Draw(t, "strangers")
}

// checkAgainstPlan executes the rules over series of all texts and compares
// what they do with the words of the proposals that were written.
func checkAgainstPlan(t *rapid.T, r *sentei.Report, strangers []string, run *execution, byJob bool, text string) {
	names, jobs := slices.Clone(strangers), slices.Clone(strangers)
	values := append(slices.Clone(strangers), "1", "1.0", "")
	labelNames := []string{"a", "le", "b.c", "z"}
	var proposals []*sentei.Proposal
	for i := range r.Proposals {
		p := &r.Proposals[i]
		values = append(values, p.Action.Values...)
		if strings.Contains(text, p.ID) && !leftOutIn(text, p.ID) {
			p.Place.Shared = p.Place.Shared || byJob
			proposals = append(proposals, p)
		}
		if p.Action.Label != "" {
			labelNames = append(labelNames, p.Action.Label)
		}
	}
	for i := range r.Metrics {
		names = append(names, r.Metrics[i].Name)
	}
	jobs = append(jobs, r.Backends[0].ScrapeJobs[0].JobLabels...)
	slices.Sort(labelNames)
	for _, name := range names {
		for _, job := range jobs {
			for _, label := range slices.Compact(labelNames) {
				for _, value := range values {
					l := series{name, job}.labels(label, value)
					want, keep := l, true
					for _, p := range proposals {
						if keep {
							want, keep = relabeling.Planned(p, want)
						}
					}
					if got, kept := run.run(l); kept != keep || kept && !labels.Equal(got, want) {
						t.Fatalf("%s: kept %v as %s, want %v as %s\n%s", l, kept, got, keep, want, text)
					}
				}
			}
		}
	}
}

// leftOutIn reports whether the identifier stands in the list of what is left
// out, which is above all rules.
func leftOutIn(text, id string) bool {
	first := strings.Index(text, proposalLine)
	return first < 0 || strings.Index(text, id) < first
}

// series of a label value that is dropped must not be dropped by another form
// of a label that is no number.
func TestFormsOfValues(t *testing.T) {
	for label, want := range map[string]string{"le": "[true true false]", "code": "[true false false]"} {
		r := reportOf("b", []sentei.ScrapeJob{{Name: "j", JobLabels: []string{"j"}}}, stored{"m", "j", sentei.Used, "", false})
		r.Metrics[0].Jobs[0].Labels = []sentei.LabelStats{{Name: label, Values: []sentei.LabelValue{{Value: "1"}, {Value: "10"}}}}
		r.Metrics[0].JobUsage[0].Labels = []sentei.LabelUsage{{Name: label, UnusedValues: []string{"1"}}}
		r.Proposals = []sentei.Proposal{{ID: "p", Place: sentei.Place{Backend: "b", ScrapeJob: "j", Job: "j"},
			Action: sentei.Action{Kind: sentei.DropValues, Metric: "m", Label: label, Values: []string{"1"}}}}
		plans, err := plan(r, &r.Backends[0], r.Proposals)
		if err != nil {
			t.Fatal(err)
		}
		var rules []vmagentRule
		if err := yaml.UnmarshalStrict([]byte(plans[0].items(r, vmagentItem)), &rules); err != nil {
			t.Fatal(err)
		}
		run, err := byVmagent(rules)
		if err != nil {
			t.Fatal(err)
		}
		var got []bool
		for _, v := range []string{"1", "1.0", "10"} {
			_, kept := run.run(labels.FromStrings(model.MetricNameLabel, "m", model.JobLabel, "j", label, v))
			got = append(got, !kept)
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%s: dropped %v, want %s", label, got, want)
		}
	}
}

package relabel

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	monitoringv1alpha1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1alpha1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/relabel"
	"go.yaml.in/yaml/v4"

	"github.com/sentei/sentei"
)

// TestOperatorTypes applies the patches to objects and decodes the results
// strictly into the types of the prometheus-operator.
func TestOperatorTypes(t *testing.T) {
	text := write(t, operatorDialect, cluster(), Options{})
	var file struct {
		Patches []struct {
			Target struct{ Group, Version, Kind, Namespace, Name string }
			Patch  string
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	rules := func(object any) []monitoringv1.RelabelConfig {
		switch o := object.(type) {
		case *monitoringv1.ServiceMonitor:
			return o.Spec.Endpoints[1].MetricRelabelConfigs
		case *monitoringv1.PodMonitor:
			return o.Spec.PodMetricsEndpoints[0].MetricRelabelConfigs
		case *monitoringv1.Probe:
			return o.Spec.MetricRelabelConfigs
		case *monitoringv1alpha1.ScrapeConfig:
			return o.Spec.MetricRelabelConfigs
		}
		return nil
	}
	objects := map[string]any{
		"v1 ServiceMonitor":     &monitoringv1.ServiceMonitor{},
		"v1 PodMonitor":         &monitoringv1.PodMonitor{},
		"v1 Probe":              &monitoringv1.Probe{},
		"v1alpha1 ScrapeConfig": &monitoringv1alpha1.ScrapeConfig{},
	}
	back, err := decodeOperator(text)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range file.Patches {
		kind := p.Target.Version + " " + p.Target.Kind
		object := objects[kind]
		if object == nil || p.Target.Group != "monitoring.coreos.com" || p.Target.Namespace == "" || p.Target.Name == "" {
			t.Fatalf("patch %d: target %+v", i, p.Target)
		}
		delete(objects, kind)
		var ops []struct {
			Op, Path string
			Value    any
		}
		if err := yaml.Unmarshal([]byte(p.Patch), &ops); err != nil {
			t.Fatal(err)
		}
		const existing = `[{"regex":"old","action":"labeldrop"}]`
		var spec any
		if err := json.Unmarshal(fmt.Appendf(nil, `{"spec":{"metricRelabelings":%[1]s,"endpoints":[{},{"metricRelabelings":%[1]s}],"podMetricsEndpoints":[{"metricRelabelings":%[1]s}]}}`, existing), &spec); err != nil {
			t.Fatal(err)
		}
		for _, op := range ops {
			if op.Op != "add" || !strings.HasSuffix(op.Path, "/metricRelabelings/-") {
				t.Fatalf("patch %d: %s %s", i, op.Op, op.Path)
			}
			appendAt(t, &spec, strings.Split(op.Path, "/")[1:], op.Value)
		}
		// Keep what the kind has.
		fields := spec.(map[string]any)["spec"].(map[string]any)
		for field := range fields {
			if !strings.HasPrefix(ops[0].Path, "/spec/"+field+"/") {
				delete(fields, field)
			}
		}
		text, err := json.Marshal(spec)
		if err != nil {
			t.Fatal(err)
		}
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(object); err != nil {
			t.Fatalf("%s: %v\n%s", kind, err, text)
		}
		got := rules(object)
		if len(got) != len(ops)+1 || got[0].Regex != "old" {
			t.Fatalf("%s: %d rules after %d were appended", kind, len(got), len(ops))
		}
		for k, typed := range got[1:] {
			o := operatorRule{Separator: typed.Separator, Regex: typed.Regex, TargetLabel: typed.TargetLabel, Replacement: typed.Replacement}
			for _, l := range typed.SourceLabels {
				o.SourceLabels = append(o.SourceLabels, model.LabelName(l))
			}
			o.Action = relabel.Action(typed.Action)
			c, err := o.config()
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(c.SourceLabels, back[i][k].SourceLabels) || c.Regex.String() != back[i][k].Regex.String() ||
				c.Action != back[i][k].Action || c.Separator != back[i][k].Separator || c.TargetLabel != back[i][k].TargetLabel || c.Replacement != back[i][k].Replacement {
				t.Errorf("%s: rule %d is %+v by the types, %+v as it was checked", kind, k, c, back[i][k])
			}
		}
	}
	if len(objects) > 0 {
		t.Errorf("no patch for %v", objects)
	}
}

// appendAt carries out the add of a JSON patch at the end of a list.
func appendAt(t *testing.T, at *any, path []string, value any) {
	t.Helper()
	switch node := (*at).(type) {
	case []any:
		if path[0] == "-" {
			*at = append(node, value)
			return
		}
		var i int
		if _, err := fmt.Sscan(path[0], &i); err != nil || i >= len(node) {
			t.Fatalf("no item %s", path[0])
		}
		appendAt(t, &node[i], path[1:], value)
	case map[string]any:
		child, ok := node[path[0]]
		if !ok {
			t.Fatalf("no field %s", path[0])
		}
		appendAt(t, &child, path[1:], value)
		node[path[0]] = child
	}
}

func TestMonitorOf(t *testing.T) {
	for job, want := range map[string]string{
		"serviceMonitor/a/b/12": "ServiceMonitor v1 a b /spec/endpoints/12/metricRelabelings",
		"podMonitor/a/b/0":      "PodMonitor v1 a b /spec/podMetricsEndpoints/0/metricRelabelings",
		"probe/a/b":             "Probe v1 a b /spec/metricRelabelings",
		"scrapeConfig/a/b":      "ScrapeConfig v1alpha1 a b /spec/metricRelabelings",
		"serviceMonitor/a/b":    "", "serviceMonitor/a/b/x": "", "serviceMonitor/a/b/-1": "", "serviceMonitor/a/b/01": "", "serviceMonitor/a/b/1/2": "",
		"serviceMonitor//b/1": "", "podMonitor/a//1": "", "probe/a/b/0": "", "probe/a": "", "node": "", "": "", "x/a/b": "", "x/a/b/1": "",
	} {
		m, ok := monitorOf(job)
		got := ""
		if ok {
			got = strings.Join([]string{m.kind, m.version, m.namespace, m.name, m.path}, " ")
		}
		if got != want {
			t.Errorf("%s: %q, want %q", job, got, want)
		}
	}
}

// TestScrapeClassType decodes the class strictly into the type of the
// prometheus-operator.
func TestScrapeClassType(t *testing.T) {
	text := write(t, scrapeClassDialect, cluster(), Options{Files: files(t)})
	var file struct{ Patches []struct{ Patch string } }
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	var ops []struct {
		Op, Path string
		Value    any
	}
	if err := yaml.Unmarshal([]byte(file.Patches[0].Patch), &ops); err != nil {
		t.Fatal(err)
	}
	class, err := json.Marshal(map[string]any{"spec": map[string]any{"scrapeClasses": []any{ops[0].Value}}})
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(class))
	decoder.DisallowUnknownFields()
	var object monitoringv1.Prometheus
	if err := decoder.Decode(&object); err != nil {
		t.Fatal(err)
	}
	rules, err := decodeScrapeClass(text)
	if err != nil {
		t.Fatal(err)
	}
	got := object.Spec.ScrapeClasses[0]
	if len(ops) != 1 || ops[0].Op != "add" || ops[0].Path != "/spec/scrapeClasses/-" || got.Name != "sentei" || len(got.MetricRelabelings) != len(rules) || len(rules) < 6 {
		t.Errorf("%+v, %d rules checked", ops, len(rules))
	}
	for i, rule := range got.MetricRelabelings {
		if rule.Regex != rules[i].Regex.String() || len(rule.SourceLabels) != len(rules[i].SourceLabels) {
			t.Errorf("rule %d: %+v", i, rule)
		}
	}
}

func TestMayChange(t *testing.T) {
	strip := &sentei.Proposal{Action: sentei.Action{Kind: sentei.StripLabel, Metric: "m", Label: "l"}}
	drop := &sentei.Proposal{Action: sentei.Action{Kind: sentei.DropMetric, Metric: "m"}}
	for rule, want := range map[string]string{ // of strip and of drop
		"{action: drop, source_labels: [a], regex: x}":                            "false false",
		"{action: drop, source_labels: [a, l], regex: x}":                         "true false",
		"{action: keepequal, source_labels: [a], target_label: b}":                "false false",
		"{action: labeldrop, regex: l}":                                           "true false",
		"{action: labeldrop, regex: jo.}":                                         "true true",
		"{action: labelkeep, regex: .*}":                                          "true true",
		"{action: labelmap, regex: a}":                                            "true true",
		"{target_label: l, replacement: x}":                                       "true false",
		"{target_label: k, replacement: x}":                                       "false false",
		"{target_label: job, replacement: x}":                                     "true true",
		"{source_labels: [a], regex: (.*), target_label: $1, replacement: x}":     "true true",
		"{source_labels: [a], target_label: __name__, action: lowercase}":         "true true",
		"{source_labels: [__name__], target_label: __name__, replacement: new_x}": "true true",
	} {
		rules, err := decodeItems("- " + rule)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(mayChange(rules[0], strip), " ", mayChange(rules[0], drop)); got != want {
			t.Errorf("%s: %s, want %s", rule, got, want)
		}
	}
}

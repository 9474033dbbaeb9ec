// The dashboards, alerts and recording rules of sentei, for those who keep their
// monitoring in jsonnet. The files that it imports can be used without it.
{
  grafanaDashboards+:: {
    'sentei-cost.json': import 'dashboards/sentei-cost.json',
    'sentei-metric.json': import 'dashboards/sentei-metric.json',
    'sentei-savings.json': import 'dashboards/sentei-savings.json',
  },
  local rules = std.parseYaml(importstr 'alerts/sentei.yaml'),
  prometheusAlerts+:: { groups+: [g for g in rules.groups if g.name == 'sentei.alerts'] },
  prometheusRules+:: { groups+: [g for g in rules.groups if g.name != 'sentei.alerts'] },
}

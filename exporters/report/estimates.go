package report

import (
	"slices"
	"strings"

	"github.com/sentei/sentei"
)

// Estimates says of each backend which of its numbers are estimates, and which
// are not known, one line each: "prod, estimated: memory; not known: series
// created per hour". The name is left out when there is one backend.
func Estimates(r *sentei.Report) []string {
	var lines []string
	for i := range r.Backends {
		b := &r.Backends[i]
		var estimated, unknown, partly []string
		for _, name := range b.Estimated {
			missing, there := churn(r, b.Name, name)
			switch {
			case missing && there:
				partly = append(partly, partName(name))
			case missing:
				unknown = append(unknown, partName(name))
			default:
				estimated = append(estimated, partName(name))
			}
		}
		var parts []string
		add := func(what string, names []string) {
			if len(names) > 0 {
				slices.Sort(names)
				parts = append(parts, what+": "+strings.Join(names, ", "))
			}
		}
		add("estimated", estimated)
		add("not known", unknown)
		add("not known of all metrics", partly)
		if len(parts) == 0 {
			continue
		}
		line := strings.Join(parts, "; ")
		if len(r.Backends) > 1 {
			line = b.Name + ", " + line
		}
		lines = append(lines, line)
	}
	return lines
}

// churn reports whether the part of the costs is one that some metrics of the
// backend lack as it is not known, and whether others have it.
func churn(r *sentei.Report, backend, part string) (missing, there bool) {
	known := r.Created
	switch part {
	case "churn_per_hour":
	case "ended_per_hour":
		known = r.Ended
	default:
		return false, false
	}
	missing = true
	for i := range r.Metrics {
		if m := &r.Metrics[i]; m.Backend == backend {
			_, ok := known(backend, m.Cost)
			there = there || ok
		}
	}
	return missing, there
}

// partName says what a part of the numbers is.
func partName(part string) string {
	switch part {
	case "series":
		return "active series"
	case "series_in_span":
		return "series in the span"
	case "samples_per_second":
		return "samples per second"
	case "churn_per_hour":
		return "series created per hour"
	case "ended_per_hour":
		return "series ended per hour"
	case "memory_bytes":
		return "memory"
	case "disk_bytes_per_day":
		return "disk"
	}
	return part
}

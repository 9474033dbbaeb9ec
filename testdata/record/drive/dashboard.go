package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// dashboard is the part of a Grafana dashboard that asks Prometheus something.
type dashboard struct {
	Title       string  `json:"title"`
	Panels      []panel `json:"panels"`
	Annotations struct {
		List []target `json:"list"`
	} `json:"annotations"`
	Templating struct {
		List []variable `json:"list"`
	} `json:"templating"`
	Time struct {
		From string `json:"from"`
	} `json:"time"`
}

// panel is a panel, or a row with the panels that it hides.
type panel struct {
	Title        string   `json:"title"`
	Panels       []panel  `json:"panels"`
	Targets      []target `json:"targets"`
	Collapsed    bool     `json:"collapsed"`
	LibraryPanel *struct {
		UID string `json:"uid"`
	} `json:"libraryPanel"`
	unseen bool // in a collapsed row that nobody opens
}

// opened are the collapsed rows that people open. The panels of the others ask nothing, as in Grafana:
// what they use is in the dashboards only and not in the query log.
var opened = map[string]bool{"Disk": true, "Sockets": true, "Runtime": true}

// target is one query of a panel, or one annotation.
type target struct {
	Name       string     `json:"name"`
	Expr       string     `json:"expr"`
	Instant    bool       `json:"instant"`
	Hide       bool       `json:"hide"`
	Datasource datasource `json:"datasource"`
}

type datasource struct {
	Type string `json:"type"`
}

// variable is one template variable.
type variable struct {
	Name       string          `json:"name"`
	Type       string          `json:"type"`
	Query      json.RawMessage `json:"query"`
	Regex      string          `json:"regex"`
	Multi      bool            `json:"multi"`
	IncludeAll bool            `json:"includeAll"`
	AllValue   string          `json:"allValue"`
	Current    struct {
		Value json.RawMessage `json:"value"`
	} `json:"current"`
}

// readDashboard reads an exported dashboard and puts the library panels in their places.
func readDashboard(file string, library map[string]panel) (*dashboard, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	d := &dashboard{}
	if err := json.Unmarshal(text, d); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	d.Panels, err = flatten(d.Panels, library)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return d, nil
}

// readLibrary reads answers of GET /api/library-elements and returns the panels by uid.
func readLibrary(folder string) (map[string]panel, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return nil, err
	}
	library := map[string]panel{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var answer struct {
			Result struct {
				Elements []struct {
					UID   string `json:"uid"`
					Model panel  `json:"model"`
				} `json:"elements"`
			} `json:"result"`
		}
		if err := json.Unmarshal(text, &answer); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for _, element := range answer.Result.Elements {
			element.Model.LibraryPanel = nil
			library[element.UID] = element.Model
		}
	}
	return library, nil
}

// flatten returns all panels without rows, the ones in collapsed rows included.
func flatten(panels []panel, library map[string]panel) ([]panel, error) {
	var flat []panel
	for _, p := range panels {
		if p.LibraryPanel != nil {
			model, ok := library[p.LibraryPanel.UID]
			if !ok {
				return nil, fmt.Errorf("panel %q: no library panel %s", p.Title, p.LibraryPanel.UID)
			}
			p = model
		}
		inner, err := flatten(p.Panels, library)
		if err != nil {
			return nil, err
		}
		for i := range inner {
			inner[i].unseen = p.Collapsed && !opened[p.Title]
		}
		flat = append(append(flat, p), inner...)
	}
	return flat, nil
}

// timeRange returns how far back the dashboard looks.
func (d *dashboard) timeRange() (time.Duration, error) {
	back, err := time.ParseDuration(strings.TrimPrefix(d.Time.From, "now-"))
	if err != nil {
		return 0, fmt.Errorf("dashboard %s: time range %q: %w", d.Title, d.Time.From, err)
	}
	return back, nil
}

// isPrometheus reports whether the target asks Prometheus, and something at all.
func (t target) isPrometheus() bool { return t.Datasource.Type == "prometheus" && t.Expr != "" }

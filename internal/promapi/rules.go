package promapi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
)

// RuleGroup is a group of rules in the order of their evaluation.
type RuleGroup struct {
	Name     string  `json:"name"`
	File     string  `json:"file"`
	Interval float64 `json:"interval"` // seconds
	Rules    []Rule  `json:"rules"`
}

// Rule is an alerting or a recording rule.
type Rule struct {
	Type        string            `json:"type"` // alerting or recording
	Name        string            `json:"name"`
	Query       string            `json:"query"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	Health      string            `json:"health"` // ok, err or unknown
	LastError   string            `json:"lastError"`
}

const (
	groupsPerPage = 200
	maxRestarts   = 3
)

// Rules reads all rule groups, in pages where the server knows them. When the
// rules change between two pages it begins anew.
func (c *Client) Rules(ctx context.Context) ([]RuleGroup, []string, error) {
	for restarts := 0; ; restarts++ {
		groups, warnings, err := c.ruleGroups(ctx)
		if e, ok := errors.AsType[*Error](err); ok && e.Status == http.StatusBadRequest && len(groups) > 0 && restarts < maxRestarts {
			c.logger.Debug("rules changed while they were read, will begin anew", "err", err)
			continue
		}
		if err != nil {
			return nil, warnings, wrap("read rules", err)
		}
		return groups, warnings, nil
	}
}

type rulesPage struct {
	Groups data[[]RuleGroup] `json:"groups"`
	Next   string            `json:"groupNextToken"`
}

func (p *rulesPage) check() error { return p.Groups.check("groups") }

// ruleGroups reads one page after the other. The groups before an error are
// returned with it.
func (c *Client) ruleGroups(ctx context.Context) (groups []RuleGroup, warnings []string, err error) {
	params := url.Values{
		"exclude_alerts": {"true"}, // firing alerts can be many
		"group_limit":    {strconv.Itoa(groupsPerPage)},
	}
	seen := make(map[string]bool)
	for {
		page, w, err := get[rulesPage](ctx, c, "/api/v1/rules", params)
		warnings = append(warnings, w...)
		if err != nil {
			return groups, warnings, err
		}
		groups = append(groups, page.Groups.value...)
		if page.Next == "" {
			return groups, warnings, nil
		}
		if seen[page.Next] {
			return nil, warnings, errors.New("the server gives the same page of rules again and again")
		}
		seen[page.Next] = true
		params.Set("group_next_token", page.Next)
	}
}

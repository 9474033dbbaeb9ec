package promapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
)

// errAdmin says how to get at the snapshot API.
var errAdmin = errors.New("start the server with --web.enable-admin-api")

// Snapshot makes the server write a snapshot of all its data, the head
// included, and returns the name of its folder below snapshots in the data
// directory. It asks once: each request makes another one.
func (c *Client) Snapshot(ctx context.Context) (string, error) {
	const path = "/api/v1/admin/tsdb/snapshot"
	var a answer[struct {
		Name string `json:"name"`
	}]
	err := c.try(ctx, c.json(http.MethodPost, path, url.Values{"skip_head": {"false"}}, a.decode))
	if e, ok := errors.AsType[*Error](err); ok && strings.HasPrefix(e.Message, "admin APIs disabled") {
		err = fmt.Errorf("%w: %w", err, errAdmin)
	}
	if err == nil {
		if c.answered != nil {
			c.answered()
		}
		if name := a.Data.value.Name; name == "" || name == ".." || filepath.Base(name) != name {
			err = fmt.Errorf("the answer is not the name of a snapshot: %q", name)
		}
	}
	if err != nil {
		return "", fmt.Errorf("make snapshot: POST %s%s: %w", c.base, path, err)
	}
	return a.Data.value.Name, nil
}

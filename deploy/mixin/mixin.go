// Package mixin holds the dashboards on sentei's own metrics, the alerts and
// recording rules, and the jsonnet that puts them together. Nothing comes in;
// out come the files, so that a user without the repository can have them.
package mixin

import (
	"embed"
	"io/fs"
)

//go:embed README.md mixin.libsonnet alerts dashboards
var files embed.FS

// Files returns the files as they lie in this folder.
func Files() fs.FS { return files }

package sentei

import _ "embed"

//go:embed config.yaml
var defaultConfig string

// DefaultConfig returns the commented default configuration, config.yaml.
func DefaultConfig() string { return defaultConfig }

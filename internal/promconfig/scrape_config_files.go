package promconfig

import (
	"fmt"
	"path/filepath"

	"go.yaml.in/yaml/v2"

	"github.com/sentei/sentei/internal/files"
)

// File is a file of scrape_config_files, which holds scrape jobs.
type File struct {
	Path    string // to name it by
	Content []byte
}

// Load reads a prometheus.yml and the files of its scrape_config_files. A path
// that is not absolute starts at dir.
func Load(dir, path string) (text []byte, included []File, err error) {
	full := path
	if !filepath.IsAbs(path) {
		full = filepath.Join(dir, path)
	}
	if text, err = files.ReadFile(full); err != nil {
		return nil, nil, err
	}
	included, err = ScrapeConfigFiles(text, dir, path)
	return text, included, err
}

// ScrapeConfigFiles reads the files of scrape_config_files of a prometheus.yml
// with the given text. Patterns start at its folder; path is where it lies, from
// dir unless it is absolute. The files have paths of the same form, in the order
// in which Prometheus reads them: one that two patterns match comes twice, which
// Prometheus refuses too. No match is no error; what cannot be read is one.
func ScrapeConfigFiles(text []byte, dir, path string) ([]File, error) {
	var f struct {
		Patterns []string `yaml:"scrape_config_files"`
	}
	if err := yaml.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("parse prometheus.yml (a template must be rendered first): %w", err)
	}
	folder := filepath.Dir(path)
	if !filepath.IsAbs(path) {
		folder = filepath.Join(dir, folder)
	}
	var out []File
	for _, pattern := range f.Patterns {
		matches, err := files.Glob(folder, pattern)
		if err != nil {
			return nil, fmt.Errorf("parse prometheus.yml: scrape_config_files: %q: %w", pattern, err)
		}
		for _, match := range matches {
			name := match
			if !filepath.IsAbs(path) && !filepath.IsAbs(pattern) {
				if rel, err := filepath.Rel(filepath.Join(dir, "."), match); err == nil {
					name = rel
				}
			}
			name = filepath.ToSlash(name)
			content, err := files.ReadFile(match)
			if err != nil {
				return nil, fmt.Errorf("read the file %s of scrape_config_files: %w", name, err)
			}
			out = append(out, File{Path: name, Content: content})
		}
	}
	return out, nil
}

// jobsOf returns the scrape jobs of a file of scrape_config_files. vmagent
// wants the list alone.
func jobsOf(text []byte) ([]scrapeConfig, error) {
	var f struct {
		ScrapeConfigs []scrapeConfig `yaml:"scrape_configs"`
	}
	err := yaml.Unmarshal(text, &f)
	if err != nil {
		var list []scrapeConfig
		if yaml.Unmarshal(text, &list) == nil {
			return list, nil
		}
	}
	return f.ScrapeConfigs, err
}

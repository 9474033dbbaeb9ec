package promconfig

import (
	"os"
	"path/filepath"
	"testing"
)

// FuzzScrapeJobs checks that any file is read or refused, and that what is
// read makes sense.
func FuzzScrapeJobs(f *testing.F) {
	files, err := filepath.Glob("../yamledit/testdata/*.yml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		read, err := Read(text)
		jobs := read.ScrapeJobs
		rules, errRules := MetricRelabelConfigs(text)
		if (err == nil) != (errRules == nil) || len(jobs) != len(rules) {
			t.Fatalf("%d jobs, %v; rules of %d jobs, %v", len(jobs), err, len(rules), errRules)
		}
		for _, j := range jobs {
			if j.Name == "" || len(j.JobLabels) == 0 {
				t.Errorf("%+v", j)
			}
		}
	})
}

package sentei

// ScrapeTarget is one target of a scrape job, with the labels that its series
// are stored with.
type ScrapeTarget struct {
	ScrapeJob string `json:"scrape_job"`
	Job       string `json:"job"`
	Instance  string `json:"instance"`
}

// DuplicateTarget is an address that several scrape jobs of one server scrape:
// with the same scheme, address, path and parameters, and asked in the same way.
type DuplicateTarget struct {
	URL string `json:"url"`
	// Targets are the first target of each scrape job, two at least, sorted by
	// scrape job.
	Targets []ScrapeTarget `json:"targets"`
}

package metrics

import "github.com/prometheus/client_golang/prometheus"

// A family is one metric name of the page.
type family struct {
	name   string
	kind   string // of the exposition: counter or gauge
	labels []string
	help   string
}

type opts prometheus.Opts

func (o opts) gauge() prometheus.GaugeOpts { return prometheus.GaugeOpts(o) }

func (f *family) opts() opts { return opts{Name: f.name, Help: f.help} }

func (f *family) desc() *prometheus.Desc {
	return prometheus.NewDesc(f.name, f.help, f.labels, nil)
}

// What is stored, by verdict.
var (
	metricNames = &family{"sentei_metrics", "gauge", []string{"backend", "verdict"},
		"Number of metric names that the backend stores, by verdict of the last scan."}
	series = &family{"sentei_series", "gauge", []string{"backend", "verdict"},
		"Number of active series that the backend stores, by verdict of the last scan. Divide verdict=\"unused\" by the sum to see how much nobody reads."}
	samplesPerSecond = &family{"sentei_samples_per_second", "gauge", []string{"backend", "verdict"},
		"Samples that the backend ingests per second, by verdict of the last scan."}
	costPerMonth = &family{"sentei_cost_per_month", "gauge", []string{"backend", "verdict", "currency"},
		"What the backend's metrics cost in a month of 30 days at the configured prices, by verdict of the last scan. Absent without prices."}
	jobSeries = &family{"sentei_job_series", "gauge", []string{"backend", "stored_job", "verdict"},
		"Number of active series by the stored label job, and by verdict for that job. The most expensive jobs of a backend have series of their own; stored_job=\"__other__\" is the sum of all others, \"(no job)\" stands for series without the label."}
	jobCostPerMonth = &family{"sentei_job_cost_per_month", "gauge", []string{"backend", "stored_job", "verdict", "currency"},
		"What the series of the job cost in a month of 30 days at the configured prices. stored_job=\"__other__\" is the sum of all others. Absent without prices."}
	namespaceSeries = &family{"sentei_namespace_series", "gauge", []string{"backend", "stored_namespace", "verdict"},
		"Number of active series by the stored label namespace, estimated: the series of a metric in a job are taken to be spread as they are in the whole span. \"__other__\" is the sum of the smaller ones, \"(no namespace)\" stands for series without the label, \"(not known)\" for those whose labels were not read."}
	namespaceCostPerMonth = &family{"sentei_namespace_cost_per_month", "gauge", []string{"backend", "stored_namespace", "verdict", "currency"},
		"What the series of the namespace cost in a month of 30 days at the configured prices, estimated like sentei_namespace_series. Absent without prices."}
	ownerSeries = &family{"sentei_owner_series", "gauge", []string{"backend", "owner", "verdict"},
		"Number of active series by the owner that the configuration names. Exact where it tells owners by metric and job, estimated like sentei_namespace_series where it tells them by other labels. \"__other__\" is the sum of the smaller ones, \"(nobody)\" stands for series without an owner, \"(not known)\" for those whose labels were not read. Absent without owners."}
	ownerCostPerMonth = &family{"sentei_owner_cost_per_month", "gauge", []string{"backend", "owner", "verdict", "currency"},
		"What the series of the owner cost in a month of 30 days at the configured prices, estimated like sentei_owner_series. Absent without prices and without owners."}
	budgetSeries = &family{"sentei_budget_series", "gauge", []string{"backend"},
		"The configured highest number of active series of the backend. Absent without such a budget."}
	budgetPerMonth = &family{"sentei_budget_per_month", "gauge", []string{"backend", "currency"},
		"The configured highest cost of the backend in a month of 30 days. Absent without such a budget."}
	consumers = &family{"sentei_consumers", "gauge", []string{"backend", "kind", "state"},
		"Number of consumers found, by kind. State is alive, dead (a recording rule whose output nobody reads) or opaque (not understood: what it may read counts as unknown)."}
)

// What single metrics take.
var (
	metricSeries = &family{"sentei_metric_series", "gauge", []string{"backend", "metric", "verdict"},
		"Number of active series of the metric. The most expensive metrics of a backend have series of their own; metric=\"__other__\" is the sum of all others, so sums over metrics are complete."}
	metricSamplesPerSecond = &family{"sentei_metric_samples_per_second", "gauge", []string{"backend", "metric", "verdict"},
		"Samples of the metric that the backend ingests per second. metric=\"__other__\" is the sum of all others."}
	metricCostPerMonth = &family{"sentei_metric_cost_per_month", "gauge", []string{"backend", "metric", "verdict", "currency"},
		"What the metric costs in a month of 30 days at the configured prices. metric=\"__other__\" is the sum of all others. Absent without prices."}
	metricScoreRatio = &family{"sentei_metric_score_ratio", "gauge", []string{"backend", "metric", "verdict"},
		"Part of the backend's bill, 0 to 1, that the metric takes without being of use: share of the bill times (1 - use). Look at the highest first. metric=\"__other__\" is the sum of all others."}
	metricLabelSeriesWithout = &family{"sentei_metric_label_series_without", "gauge", []string{"backend", "metric", "label", "verdict"},
		"Number of active series of the metric that would remain if the label were removed, with the verdict for the label. Only metrics that have series of their own, and of each the labels that would save most; absent where the effect is not known. Effects of several labels do not add up."}
	metricLabelValues = &family{"sentei_metric_label_values", "gauge", []string{"backend", "metric", "label"},
		"Number of distinct values of the label in the span that was scanned, in the job that has most of them. For the same labels as sentei_metric_label_series_without."}
	metricConsumers = &family{"sentei_metric_consumers", "gauge", []string{"backend", "metric", "kind"},
		"Number of consumers that read the metric, by kind. Absent where it is zero, and for metrics that have no series of their own."}
)

// What may go.
var (
	proposals = &family{"sentei_proposals", "gauge", []string{"backend", "rule", "grade", "state"},
		"Number of proposals of the last scan, by the rule that made them, their grade and the state of their review."}
	proposalSavingSeries = &family{"sentei_proposal_saving_series", "gauge", []string{"backend", "scrape_job", "rule", "grade", "state"},
		"Number of active series that the proposals would save in the scrape job. Proposals do not overlap, so sums are true; scrape_job=\"__other__\" is the sum of the smaller ones."}
	proposalSavingPerMonth = &family{"sentei_proposal_saving_per_month", "gauge", []string{"backend", "scrape_job", "rule", "grade", "state", "currency"},
		"What the proposals would save in a month of 30 days in the scrape job, at the configured prices. scrape_job=\"__other__\" is the sum of the smaller ones. Absent without prices."}
)

// What came of the proposals that were carried out.
var (
	trackedProposals = &family{"sentei_tracked_proposals", "gauge", []string{"backend", "state"},
		"Number of proposals that were carried out, by state: applied, verified (the saving is seen) or regretted (somebody asks for what is gone). All kinds of proposals are counted; one stays applied while nothing shows its saving."}
	promisedSeries = &family{"sentei_promised_saving_series", "gauge", []string{"backend"},
		"Number of active series that the proposals that were carried out promised to save."}
	realisedSeries = &family{"sentei_realised_saving_series", "gauge", []string{"backend"},
		"Number of active series of those promised that are not stored any more; of what is cut at remote write, by the receiver. 0 while that is not seen. Compare with sentei_promised_saving_series."}
	promisedSamples = &family{"sentei_promised_saving_samples_per_second", "gauge", []string{"backend"},
		"Samples per second that the proposals that were carried out promised to save."}
	realisedSamples = &family{"sentei_realised_saving_samples_per_second", "gauge", []string{"backend"},
		"Samples per second of those promised that are not ingested any more. Compare with sentei_promised_saving_samples_per_second."}
	promisedPerMonth = &family{"sentei_promised_saving_per_month", "gauge", []string{"backend", "currency"},
		"What the proposals that were carried out promised to save in a month of 30 days, at the prices of the time. Absent without prices."}
	realisedPerMonth = &family{"sentei_realised_saving_per_month", "gauge", []string{"backend", "currency"},
		"What the proposals that were carried out save in a month of 30 days. Compare with sentei_promised_saving_per_month. Absent without prices."}
	regrets = &family{"sentei_regrets", "gauge", []string{"backend"},
		"Number of selectors of consumers that ask for something that a carried out proposal took away, or that need what it changed, each counted once for each such proposal. It should be 0."}
)

// How sources did.
var (
	sourceUp = &family{"sentei_source_up", "gauge", []string{"backend", "source", "class"},
		"Whether the source could be read in the last scan (1) or not (0). While a source is down, what it could have told is unknown and nothing is called unused."}
	sourceItems = &family{"sentei_source_items", "gauge", []string{"backend", "source", "class"},
		"Number of metrics (class inventory) or consumers (all other classes) that the source found in the last scan. A sudden fall means that it no longer sees everything."}
	sourceWindow = &family{"sentei_source_window_seconds", "gauge", []string{"backend", "source", "class"},
		"Length of time that the data of the source covers, in seconds. A query log must cover the configured min_window before it can prove that something is unused. Absent for sources whose data has no age."}
	sourceGaps = &family{"sentei_source_gap_seconds", "gauge", []string{"backend", "source", "class"},
		"How much of the time that the data of the source covers is missing, in seconds: gaps of more than an hour in a query log. Absent for sources whose data has no age."}
	sourceLag = &family{"sentei_source_lag_seconds", "gauge", []string{"backend", "source", "class"},
		"How long before the end of the backend's inventory the data of the source ends, in seconds. While a query log lags by more than the configured max_lag, nothing is called unused. Absent for sources whose data has no age."}
	minWindow = &family{"sentei_min_window_seconds", "gauge", nil,
		"The configured min_window, in seconds: what a query log must cover, without gaps, before it can prove that something is unused."}
	sourceDuration = &family{"sentei_source_collect_duration_seconds", "gauge", []string{"backend", "source", "class"},
		"How long it took to read the source in the last scan, in seconds."}
	problems = &family{"sentei_problems", "gauge", []string{"backend", "source", "blocking"},
		"Number of things that could not be read or understood in the last scan. blocking=\"true\" are those that keep verdicts of the backend unknown; accepted problems are not blocking."}
	reportTimestamp = &family{"sentei_report_timestamp_seconds", "gauge", nil,
		"The instant that the last report speaks of, the end of the newest inventory, as seconds since 1970. All other sentei_ metrics about what is stored refer to it."}
)

// How the daemon does.
var (
	scansTotal = &family{"sentei_scans_total", "counter", []string{"result"},
		"Number of scans since the start, by result. A scan with failed sources is a success; see sentei_source_up for those."}
	scanDurationSeconds = &family{"sentei_scan_duration_seconds", "gauge", nil,
		"How long the last scan took, in seconds, whatever its result."}
	scanProgressRatio = &family{"sentei_scan_progress_ratio", "gauge", nil,
		"How far the scan that runs has come, 0 to 1: that of the source that is furthest behind, of those whose size is known. 1 when no scan runs."}
	lastScanOK = &family{"sentei_last_scan_successful", "gauge", nil,
		"Whether the last scan made a report (1) or not (0); 0 before the first. After a failure the last good report stays."}
	lastScanSuccess = &family{"sentei_last_scan_success_timestamp_seconds", "gauge", nil,
		"When the last successful scan ended, as seconds since 1970; 0 before the first. Alert when it is older than a few scan intervals."}
	configReloadOK = &family{"sentei_config_last_reload_successful", "gauge", nil,
		"Whether the last attempt to load the configuration succeeded (1) or not (0). After a failure the configuration before it stays in force."}
	configReloadSuccess = &family{"sentei_config_last_reload_success_timestamp_seconds", "gauge", nil,
		"When the configuration was last loaded with success, as seconds since 1970."}
	outputOK = &family{"sentei_output_last_write_successful", "gauge", []string{"file"},
		"Whether the file in the output directory could be written after the last successful scan (1) or not (0). After a failure the file of an earlier scan stays. Absent before the first write."}
)

// reportFamilies lists what is made from a report, in the order of the page
// that documents it.
func reportFamilies() []*family {
	return []*family{
		reportTimestamp, metricNames, series, samplesPerSecond, costPerMonth, consumers,
		jobSeries, jobCostPerMonth, namespaceSeries, namespaceCostPerMonth, ownerSeries, ownerCostPerMonth, budgetSeries, budgetPerMonth,
		metricSeries, metricSamplesPerSecond, metricCostPerMonth, metricScoreRatio,
		metricLabelSeriesWithout, metricLabelValues, metricConsumers,
		proposals, proposalSavingSeries, proposalSavingPerMonth,
		trackedProposals, promisedSeries, realisedSeries, promisedSamples, realisedSamples, promisedPerMonth, realisedPerMonth, regrets,
		sourceUp, sourceItems, sourceWindow, sourceGaps, sourceLag, minWindow, sourceDuration, problems,
	}
}

// daemonFamilies lists what tells how the daemon does.
func daemonFamilies() []*family {
	return []*family{
		scansTotal, scanDurationSeconds, scanProgressRatio, lastScanOK, lastScanSuccess, configReloadOK, configReloadSuccess, outputOK,
		deliveriesTotal, deliveriesWaiting, deliveriesFailing, deliverySuccess,
	}
}

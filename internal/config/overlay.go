package config

import (
	"fmt"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

// Overlay is what may change the scalar settings of a file: flags that were
// set, then environment variables. The zero value changes nothing.
type Overlay struct {
	// Flags holds flags named after the settings, as web.listen-address.
	Flags *pflag.FlagSet
	// Environ is the environment in the form of os.Environ.
	Environ []string
}

// envPrefix begins the name of every environment variable: the setting
// web.listen_address is SENTEI_WEB_LISTEN_ADDRESS.
const envPrefix = "SENTEI_"

// AddFlags defines a flag for every scalar setting of the daemon.
func AddFlags(flags *pflag.FlagSet) {
	d := Default()
	flags.String("web.listen-address", d.Web.ListenAddress, "address to listen on")
	flags.String("web.config.file", "", "file that enables TLS or authentication")
	flags.String("web.external-url", "", "URL under which the daemon is reachable from outside")
	flags.Bool("web.enable-lifecycle", false, "allow reload by HTTP request")
	flags.Bool("web.read-only", false, "take no decisions about proposals over HTTP")
	flags.String("scan.schedule", d.Scan.Schedule, "cron expression that says when to scan")
	flags.String("scan.timeout", d.Scan.Timeout.String(), "time after which a scan is given up")
	flags.String("scan.cache-directory", "", "folder for what makes the next scan faster; empty keeps nothing")
	flags.String("output.directory", "", "folder for reports and relabel configuration; empty writes none")
	flags.String("output.relabel-state", d.Output.RelabelState, "proposals that relabel configuration is written for: open (pending or accepted) or accepted")
	flags.Int("output.top-metrics", d.Output.TopMetrics, "metrics that have own series on /metrics")
	flags.String("store.path", "", "SQLite file for decisions and the history of reports; empty keeps nothing")
	flags.String("store.report-retention", d.Store.ReportRetention.String(), "how long reports are kept in the store")
}

// AddLogFlags defines the flags of the log, which every command has.
func AddLogFlags(flags *pflag.FlagSet) {
	d := Default()
	flags.String("log.level", d.Log.Level, "lowest level to log: debug, info, warn or error")
	flags.String("log.format", d.Log.Format, "format of the log: logfmt or json")
}

// settings are the keys that can be overlaid, as in the file.
var settings = [...]string{
	"web.listen_address", "web.config_file", "web.external_url", "web.enable_lifecycle", "web.read_only",
	"log.level", "log.format",
	"scan.schedule", "scan.timeout", "scan.cache_directory",
	"output.directory", "output.relabel_state", "output.top_metrics",
	"store.path", "store.report_retention",
}

// flagName returns the flag of a setting. web.config_file is called
// web.config.file, as with every Prometheus exporter.
func flagName(setting string) string {
	if setting == "web.config_file" {
		return "web.config.file"
	}
	return strings.ReplaceAll(setting, "_", "-")
}

// envName returns the environment variable of a setting. Other variables with
// the prefix are left alone: Kubernetes sets SENTEI_PORT and the like for a
// service of that name.
func envName(setting string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(setting, ".", "_"))
}

// apply lays flags and environment over the configuration of the file.
func (o Overlay) apply(c *Config) error {
	environ := map[string]string{}
	for _, e := range o.Environ {
		name, value, _ := strings.Cut(e, "=")
		environ[name] = value
	}
	v := viper.New()
	for _, s := range settings {
		if value, set := environ[envName(s)]; set {
			v.SetDefault(s, value) // lies below a flag that was set
		}
		if f := o.flag(s); f != nil && f.Changed {
			if err := v.BindPFlag(s, f); err != nil {
				return fmt.Errorf("bind flag %s: %w", f.Name, err)
			}
		}
	}
	if err := v.Unmarshal(c, viper.DecodeHook(mapstructure.TextUnmarshallerHookFunc()), weakly); err != nil {
		return fmt.Errorf("overlay flags and environment: %w", err)
	}
	return nil
}

// flag returns the flag of a setting, or nil.
func (o Overlay) flag(setting string) *pflag.Flag {
	if o.Flags == nil {
		return nil
	}
	return o.Flags.Lookup(flagName(setting))
}

// weakly lets the environment's strings become numbers and booleans.
func weakly(d *mapstructure.DecoderConfig) { d.WeaklyTypedInput = true }

#!/usr/bin/env bash
# Installs the real servers that the end-to-end tests run against, on Debian or
# Ubuntu. What is there already is not installed again. Usage:
#
#   testdata/servers/install.sh DIR [otelcol]
#
# Prometheus 2.42 or what the distribution has, node_exporter, jsonnet, chromium:
# apt packages.
# Prometheus 3.x with promtool: built from the module version that go.mod pins,
# into DIR. VictoriaMetrics, a single node, and vmagent: built from the version
# below, into DIR. With otelcol as well, only when asked for: an OpenTelemetry
# Collector with a few components, built from the module in otelcol/, into DIR.
set -euo pipefail

bin=$(mkdir -p "$1" && cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)

packages=(prometheus prometheus-node-exporter jq jsonnet chromium)
missing=()
for p in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing+=("$p")
done
if [ ${#missing[@]} -gt 0 ]; then
  sudo=()
  if [ "$(id -u)" -ne 0 ]; then sudo=(sudo); fi
  "${sudo[@]}" apt-get update -qq
  # The services must not start: the tests start their own.
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
    apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

want=$(sed -n 's,.*github.com/prometheus/prometheus \(v[^ ]*\).*,\1,p' "$here/prometheus/go.mod" | head -n 1)
if [ "$(cat "$bin/.prometheus-version" 2>/dev/null)" != "$want" ]; then
  echo "building Prometheus $want (a few minutes the first time)" >&2
  (cd "$here/prometheus" && CGO_ENABLED=0 go build -tags remove_all_sd -ldflags '-s -w' -o "$bin/" \
    github.com/prometheus/prometheus/cmd/prometheus github.com/prometheus/prometheus/cmd/promtool)
  echo "$want" > "$bin/.prometheus-version"
fi

want=v1.150.0
if [ "$(cat "$bin/.victoria-metrics-version" 2>/dev/null)" != "$want with vmagent" ]; then
  echo "building VictoriaMetrics $want (a minute the first time)" >&2
  (cd / && CGO_ENABLED=0 GOBIN="$bin" go install -ldflags '-s -w' \
    "github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics@$want" \
    "github.com/VictoriaMetrics/VictoriaMetrics/app/vmagent@$want")
  echo "$want with vmagent" > "$bin/.victoria-metrics-version"
fi

want=$(cat "$here/otelcol/go.mod" "$here/otelcol/main.go" | sha256sum)
if [ "${2:-}" = otelcol ] && [ "$(cat "$bin/.otelcol-version" 2>/dev/null)" != "$want" ]; then
  echo "building the OpenTelemetry Collector (a few minutes the first time)" >&2
  (cd "$here/otelcol" && CGO_ENABLED=0 go build -tags remove_all_sd -ldflags '-s -w' -o "$bin/otelcol" .)
  echo "$want" > "$bin/.otelcol-version"
fi

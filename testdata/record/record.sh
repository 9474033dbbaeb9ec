#!/usr/bin/env bash
# Records testdata/tsdb and testdata/querylog again, with real servers on this machine.
#
#   PROMETHEUS=/path/to/prometheus PROMTOOL=/path/to/promtool testdata/record/record.sh OUTPUT
#
# Started: Prometheus with testdata/prometheus.yml and testdata/rules, a node exporter, an Alertmanager, a
# blackbox exporter, the simulated shop (shop/) and a driver that looks at testdata/grafana as people
# do (drive/). After DURATION seconds a snapshot is taken. Written:
#
#   OUTPUT/tsdb/<ULID>/          one block; an older block there is replaced
#   OUTPUT/querylog/$QUERY_LOG   the query log
#
# Settings, all from the environment:
#   PROMETHEUS, PROMTOOL   the binaries; default: from PATH
#   DURATION               seconds to record; default 1510 (25 minutes)
#   ROLLOUT                time between two rollouts of the shop; default 7m
#   VISIT_EVERY            time between two visits of a dashboard; default 8m
#   QUERY_LOG              name of the query log; default query.log
#   BLOCK                  "no" keeps the query log only; default yes
#
# Needed besides: go, curl, and Debian's prometheus-node-exporter, prometheus-alertmanager and
# prometheus-blackbox-exporter. Ports 21090, 21093, 21100, 21115 and 21200-21299 must be free.
# The query log of Prometheus 2 that is in testdata was made with:
#
#   PROMETHEUS=/usr/bin/prometheus DURATION=100 VISIT_EVERY=90s QUERY_LOG=query-2x.log BLOCK=no record.sh OUTPUT
set -euo pipefail

prometheus=${PROMETHEUS:-prometheus}
promtool=${PROMTOOL:-promtool}
duration=${DURATION:-1510}
rollout=${ROLLOUT:-7m}
visit_every=${VISIT_EVERY:-8m}
query_log=${QUERY_LOG:-query.log}
block=${BLOCK:-yes}
server=http://127.0.0.1:21090

fail() {
  echo "record: $*" >&2
  exit 1
}

[[ $# -eq 1 ]] || fail "want one argument, the output folder"
mkdir -p "$1/tsdb" "$1/querylog"
output=$(cd "$1" && pwd)
record=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
testdata=$(dirname "$record")
work=$(mktemp -d)
pids=()

# cleanup stops what was started, in reverse order, and removes the work folder.
cleanup() {
  local i
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
    stop "${pids[i]}"
  done
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# start NAME COMMAND... runs a server in the background, its output in the work folder.
start() {
  local name=$1
  shift
  "$@" >"$work/$name.out" 2>&1 &
  pids+=($!)
}

# stop PID ends a server and waits until it has gone.
stop() {
  kill "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}

# wait_for URL polls until URL answers with success, at most 30 seconds.
wait_for() {
  local try
  for ((try = 0; try < 150; try++)); do
    curl -sf -o /dev/null "$1" && return
    sleep 0.2
  done
  tail -n 5 "$work"/*.out >&2
  fail "$1 does not answer"
}

# wait_for_targets polls until every target has been scraped, at most 60 seconds.
wait_for_targets() {
  local try answer
  for ((try = 0; try < 120; try++)); do
    answer=$(curl -sf "$server/api/v1/targets?state=active" || true)
    [[ $answer == *'"scrapePool":"shop"'* && $answer != *'"health":"unknown"'* ]] && return
    sleep 0.5
  done
  fail "not all targets are scraped"
}

# as_demo_node runs a command under a neutral host name, where that is allowed: it ends up in
# node_uname_info.
as_demo_node() {
  if unshare --uts true 2>/dev/null; then
    # shellcheck disable=SC2016 # "$@" is for the inner shell
    exec unshare --uts sh -c 'hostname demo-node && exec "$@"' sh "$@"
  fi
  echo "record: cannot change the host name; node_uname_info will show the real one" >&2
  exec "$@"
}

# Everything runs with the work folder as the current one, so that no path of this machine is recorded.
cp -r "$testdata/prometheus.yml" "$testdata/rules" "$record/alertmanager.yml" "$record/blackbox.yml" "$work"
(cd "$testdata/.." && go build -o "$work/" ./testdata/record/shop ./testdata/record/drive)
cd "$work"
"$promtool" check config prometheus.yml

# Left out are the collectors for hardware that a virtual machine does not have.
absent=(bcache bonding btrfs cpufreq dmi edac fibrechannel hwmon infiniband ipvs mdadm nfs nfsd nvme powersupplyclass
  rapl schedstat systemd tapestats thermal_zone xfs zfs)
start node as_demo_node prometheus-node-exporter "${absent[@]/#/--no-collector.}" --web.listen-address=127.0.0.1:21100 \
  --collector.filesystem.mount-points-exclude='^/.+' --collector.netdev.device-exclude='^ifb' \
  --collector.netclass.ignored-devices='^ifb'
start alertmanager prometheus-alertmanager --config.file=alertmanager.yml --storage.path=alertmanager \
  --web.listen-address=127.0.0.1:21093 --web.external-url=http://alertmanager.example --web.route-prefix=/ \
  --cluster.listen-address=
start blackbox prometheus-blackbox-exporter --config.file=blackbox.yml --web.listen-address=127.0.0.1:21115
start shop ./shop -rollout="$rollout"
wait_for http://127.0.0.1:21100/metrics
wait_for http://127.0.0.1:21093/-/ready
wait_for http://127.0.0.1:21115/metrics
wait_for http://127.0.0.1:21200/healthy
# The tolerance puts the scrapes of a busy machine back on their schedule, or the block would be a third larger.
start prometheus "$prometheus" --scrape.timestamp-tolerance=50ms --config.file=prometheus.yml --storage.tsdb.path=data \
  --web.listen-address=127.0.0.1:21090 --web.external-url=http://prometheus.example --web.route-prefix=/ \
  --web.enable-admin-api
wait_for $server/-/ready
wait_for_targets
start drive ./drive -prometheus=$server -dashboards="$testdata/grafana" -every="$visit_every"

echo "record: recording for $duration seconds in $work"
for ((second = 0; second < duration; second++)); do
  for pid in "${pids[@]}"; do
    kill -0 "$pid" 2>/dev/null || {
      tail -n 5 ./*.out >&2
      fail "a process has ended"
    }
  done
  sleep 1
done
stop "${pids[-1]}"
cat drive.out

if [[ $block == yes ]]; then
  curl -sf -X POST -o snapshot.json $server/api/v1/admin/tsdb/snapshot
  blocks=(data/snapshots/*/*/meta.json)
  [[ ${#blocks[@]} -eq 1 && -f ${blocks[0]} ]] || fail "want one block in the snapshot, have ${blocks[*]}"
  recorded=$(dirname "${blocks[0]}")
  "$promtool" tsdb list -r "$(dirname "$recorded")"
fi
cp query.log "$output/querylog/$query_log"
# Only now, since these queries shall not be in the log: does every panel find something?
./drive -check -prometheus=$server -dashboards="$testdata/grafana" || echo "record: see above; recording kept" >&2
if [[ $block == yes ]]; then
  rm -rf "$output"/tsdb/*
  cp -r "$recorded" "$output/tsdb/"
fi
if grep -rqaF -e "$work" -e "$testdata" "$output/tsdb" "$output/querylog"; then
  fail "paths of this machine were recorded"
fi
echo "record: done"
du -sk "$output"/*/*

# Everything here works on a fresh Debian or Ubuntu with Go and make.

VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
REVISION  ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
BRANCH    ?= $(shell git rev-parse --abbrev-ref HEAD 2>/dev/null || echo unknown)
V         := github.com/prometheus/common/version
LDFLAGS   := -s -w -X $(V).Version=$(VERSION) -X $(V).Revision=$(REVISION) -X $(V).Branch=$(BRANCH)
SERVERS   := $(CURDIR)/.cache/servers

export CGO_ENABLED = 0

.PHONY: build run test test-otelcol lint fuzz bench bench-inventory record servers soak

build: ## the binary, in bin/
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/sentei ./cmd/sentei

run: build ## the main job on the sample data, then the daemon
	bin/sentei propose -o diff --output-file=bin/sentei.diff
	@head -n 40 bin/sentei.diff; echo "… the whole diff is in bin/sentei.diff"; echo
	bin/sentei report
	bin/sentei serve

test: servers ## all tests, those against real servers included
	test -z "$$(gofmt -l .)"
	go vet -tags e2e ./...
	SENTEI_TEST_PROMETHEUS2=/usr/bin/prometheus \
	SENTEI_TEST_PROMETHEUS3=$(SERVERS)/prometheus \
	SENTEI_TEST_PROMTOOL=$(SERVERS)/promtool \
	SENTEI_TEST_JSONNET=/usr/bin/jsonnet \
	SENTEI_TEST_NODE_EXPORTER=/usr/bin/prometheus-node-exporter \
	SENTEI_TEST_CHROMIUM=/usr/bin/chromium \
	SENTEI_TEST_VICTORIAMETRICS=$(SERVERS)/victoria-metrics \
	SENTEI_TEST_VMAGENT=$(SERVERS)/vmagent \
	go test -tags e2e ./...

test-otelcol: ## what a real OpenTelemetry Collector makes of its dialect; building it takes a while
	testdata/servers/install.sh $(SERVERS) otelcol
	SENTEI_TEST_OTELCOL=$(SERVERS)/otelcol go test -tags 'e2e otelcol' ./exporters/relabel -run Collector

servers: ## the real servers that the tests need
	testdata/servers/install.sh $(SERVERS)

lint: ## golangci-lint, pinned
	go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0 run

FUZZTIME ?= 10m
fuzz: ## every fuzz target for FUZZTIME, and the soundness test
	go test ./internal/promql -run TestSoundness -soundness.duration=$(FUZZTIME) -timeout 0 -v
	@set -e; for pkg in $$(grep -rl --include=*_test.go '^func Fuzz' . | xargs -n 1 dirname | sort -u); do \
	  for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' $$pkg/*_test.go); do \
	    echo "== $$pkg $$target"; go test $$pkg -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME); \
	  done; done

KILLS ?= 200
soak: ## kill the daemon KILLS times at random moments, half of them while it is asked over HTTP: nothing may be lost
	go test ./cmd/sentei -run TestKill -kills $$(( $(KILLS) / 2 )) -timeout 0 -v

bench: ## all benchmarks
	go test -run '^$$' -bench . -benchmem ./...

SIZES  ?= 1 5 10
ROUNDS ?= 3
bench-inventory: servers ## the scan of generated blocks against promtool: SIZES in millions of series, each measured ROUNDS times
	mkdir -p .cache/bench
	SENTEI_TEST_PROMETHEUS3=$(SERVERS)/prometheus SENTEI_TEST_PROMTOOL=$(SERVERS)/promtool \
	go test -tags e2e ./internal/tsdbscan/scanbench -run '^$$' -bench Inventory -benchtime 1x -timeout 0 \
	  -sizes '$(SIZES)' -rounds $(ROUNDS) -data $(CURDIR)/.cache/bench

record: servers ## record the sample data in testdata/ again (half an hour)
	PROMETHEUS=$(SERVERS)/prometheus PROMTOOL=$(SERVERS)/promtool testdata/record/record.sh testdata

# Everything that the project builds goes below build/.
BUILD   := build
BIN     := $(BUILD)/lattice-host
TOOLS   := $(BUILD)/tools
# The built-in plugins: every folder with a manifest.
BUILTIN := $(notdir $(patsubst %/plugin.yaml,%,$(wildcard plugins/builtin/*/plugin.yaml)))
NESTED  := wasm-tests/bench wasm-tests/cedar wasm-tests/extism wasm-tests/schemas wasm-tests/trust
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)

GOLANGCI_VERSION := v2.11.4
GOLANGCI         := $(TOOLS)/golangci-lint-$(GOLANGCI_VERSION)
BENCHSTAT_VERSION := v0.0.0-20250813145418-2f7363a06fe1

# Packages for Node.js, installed again when their lock file changes: the AssemblyScript compiler with the Extism PDK, the
# Rust implementation of Cedar, and what reads our indexes and releases beside ourselves.
ASSEMBLYSCRIPT := plugins/sdk/assemblyscript
CEDAR          := wasm-tests/cedar
TRUST          := wasm-tests/trust/node
installed       = $(BUILD)/$(1)/installed-$(shell git hash-object $(2)/package-lock.json)
ASSEMBLYSCRIPT_DONE := $(call installed,assemblyscript,$(ASSEMBLYSCRIPT))
CEDAR_DONE          := $(call installed,cedar,$(CEDAR))
TRUST_DONE          := $(call installed,trust,$(TRUST))

# How long each fuzz target runs, and in which folders they are: below FUZZIN, but not below FUZZNOT.
FUZZTIME ?= 10s
FUZZIN   ?= abi host registry runtime plugins cmd
FUZZNOT  ?=
# How long each case of the benchmarks runs: a time, or a number of runs such as 5x.
BENCHTIME ?= 1s

.DELETE_ON_ERROR:
.PHONY: help demo build plugins test test-assemblyscript test-cedar test-trust test-all race check bench bench-json crds fmt lint vet generate cross fuzz fuzz-sandbox goldens clean tools-lint tools-assemblyscript tools-cedar tools-trust

help: ## Print what can be made.
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "%-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: build ## Build and sign the plugins, install them from a local index, derive examples/orders.yaml.
	@sh examples/demo.sh

build: ## Build the lattice-host command into build/.
	@go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o $(BIN) ./cmd/lattice-host

plugins: build ## Build the built-in plugins into build/plugins/.
	@for p in $(BUILTIN); do $(BIN) plugin build plugins/builtin/$$p -O $(BUILD)/plugins/$$p.wasm || exit; done

test: ## Run the tests that need nothing but Go.
	go test -timeout 20m ./...
	go test -tags lattice_norego ./host/gate/rego
	cd wasm-tests/schemas && go test ./...
	cd wasm-tests/bench && go test ./...

test-assemblyscript: tools-assemblyscript ## Build the AssemblyScript plugin and test it; needs Node.js.
	cd wasm-tests/extism && go test ./...

test-trust: tools-trust ## Have programs of others read our indexes and releases; needs Node.js.
	cd wasm-tests/trust && go test ./...

test-cedar: tools-cedar ## Compare the Cedar engine with the Rust implementation; needs Node.js.
	cd wasm-tests/cedar && go test -timeout 20m ./...

test-all: test test-assemblyscript test-cedar test-trust race fuzz ## Run everything: the tests, the race detector and every fuzz target.

race: ## Run the tests of everything that shares memory, and of hostile modules, with the race detector.
	go test -race -timeout 30m ./host/... ./internal/... ./registry/... ./runtime/... ./wasm-tests/hostile/...

check: fmt-check vet lint generate-check goldens-check cross ## Check format, vet, lint, generated files, goldens and cross-builds.

fmt: ## Format the Go source.
	gofmt -w $$(git ls-files '*.go')

.PHONY: fmt-check generate-check goldens-check
fmt-check:
	@files=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$files" ]; then echo "not formatted (make fmt):"; echo "$$files"; exit 1; fi

vet: ## Run go vet on every module, guests and foreign platforms included.
	go vet ./...
	go vet -tags lattice_norego ./host/gate/... ./cmd/...
	GOOS=wasip1 GOARCH=wasm go vet ./abi/... ./plugins/...
	@for p in $(BUILTIN); do GOOS=wasip1 GOARCH=wasm go vet plugins/builtin/$$p/main.go || exit; done
	@for m in $(NESTED); do (cd $$m && go vet ./...) || exit; done
	cd wasm-tests/extism && GOOS=wasip1 GOARCH=wasm go vet ./goplugin
	cd wasm-tests/bench && GOOS=wasip1 GOARCH=wasm go vet ./guest/...

lint: $(GOLANGCI) ## Run golangci-lint, which also holds the layer law.
	$(GOLANGCI) run --allow-parallel-runners ./...
	@# With Helm and kubectl in the module, analyses that follow the dependencies would take minutes and gigabytes.
	cd wasm-tests/bench && $(CURDIR)/$(GOLANGCI) run --allow-parallel-runners --disable govet,staticcheck,unused,bodyclose,wastedassign ./...
	@deps=$$(go list -deps -f '{{if not .Standard}}{{.ImportPath}}{{end}}' ./abi/... ./plugins/... | grep -v '^github.com/latticenet/lattice-host/' || true); \
	  if [ -n "$$deps" ]; then echo "abi and plugins may import the standard library only:"; echo "$$deps"; exit 1; fi

tools-lint: $(GOLANGCI) ## Build the linter.

$(GOLANGCI):
	@mkdir -p $(TOOLS)
	GOBIN=$(CURDIR)/$(TOOLS) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	mv $(TOOLS)/golangci-lint $@

tools-assemblyscript: $(ASSEMBLYSCRIPT_DONE) ## Install the AssemblyScript compiler and the Extism PDK.
tools-cedar: $(CEDAR_DONE) ## Install the Rust implementation of Cedar.
tools-trust: $(TRUST_DONE) ## Install the readers of indexes and bundles that make test-trust compares with ours.

$(ASSEMBLYSCRIPT_DONE): $(ASSEMBLYSCRIPT)/package.json $(ASSEMBLYSCRIPT)/package-lock.json $(ASSEMBLYSCRIPT)/.npmrc
$(CEDAR_DONE): $(CEDAR)/package.json $(CEDAR)/package-lock.json $(CEDAR)/.npmrc
$(TRUST_DONE): $(TRUST)/package.json $(TRUST)/package-lock.json $(TRUST)/.npmrc

# A registry can fail for a moment.
$(ASSEMBLYSCRIPT_DONE) $(CEDAR_DONE) $(TRUST_DONE):
	@{ command -v npm && node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 17) ? 0 : 1)'; } >/dev/null || \
	  { echo "this needs Node.js 20.17 or newer and npm: install the packages nodejs and npm"; exit 1; }
	rm -rf $(@D)
	mkdir -p $(@D)
	cp $^ $(@D)
	cd $(@D) && { npm ci || npm ci || npm ci; }
	touch $@

generate: ## Regenerate codecs and schemas.
	go generate ./abi/... ./plugins/sdk/go/kube

generate-check: generate
	@git diff --exit-code --stat -- '*codec_gen.go' 'abi/schema' || { echo "generated files are stale: make generate"; exit 1; }
	go mod tidy -diff
	@for m in $(NESTED); do (cd $$m && go mod tidy -diff) || exit; done

# The packages whose tests rewrite golden files.
GOLDEN = $(filter-out $(NESTED:%=./%),$(shell grep -rlE --include='*_test.go' 'LATTICE_UPDATE|wasm-tests/golden"' \
           ./abi ./cmd ./host ./registry ./runtime ./wasm-tests | xargs -n1 dirname | sort -u))

goldens: ## Rewrite every golden file.
	LATTICE_UPDATE=1 go test $(GOLDEN)

goldens-check: goldens
	@git diff --exit-code --stat -- '*.txtar' '**/testdata/*' || { echo "rewriting the goldens changes them: make goldens"; exit 1; }

cross: ## Build for the other platforms.
	GOOS=linux GOARCH=arm64 go build -o /dev/null ./cmd/lattice-host
	GOOS=darwin GOARCH=arm64 go build -o /dev/null ./cmd/lattice-host
	GOOS=darwin GOARCH=arm64 go vet ./...

crds: ## Fetch the CRDs that derived objects are validated against into build/crds/.
	cd wasm-tests/schemas && go run ./cmd/fetch-crds

bench: ## Compare speed and memory with those of others, BENCHTIME (1s) a case, and print the table of ratios.
	@cd wasm-tests/bench && go run . -benchtime $(BENCHTIME)

bench-json: ## Print the table as a JSON list of name, ours_ns, peer_ns, ratio and bar.
	@cd wasm-tests/bench && go run . -benchtime $(BENCHTIME) -format json

fuzz: ## Run every fuzz target for FUZZTIME (10s).
	@grep -rnoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' $(FUZZIN) | \
	  sed -E 's#^(.*)/[^/]*:[0-9]+:func (.*)$$#\1 \2#' | sort -u | \
	  awk -v without='$(FUZZNOT)' 'without != "" && index($$1 "/", without "/") == 1 { next } \
	    $$1 != last { printf "%s%s", (last == "" ? "" : "\n"), $$1; last = $$1 } { printf " %s", $$2 } END { print "" }' | \
	  while read -r package targets; do \
	    sh wasm-tests/fuzztargets/fuzz.sh $$package $(FUZZTIME) $$targets || exit; \
	  done

fuzz-sandbox: ## Run the fuzz targets of the meter and of module loading for a minute each.
	@$(MAKE) --no-print-directory fuzz FUZZIN=host/sandbox FUZZNOT= FUZZTIME=60s

clean: ## Remove build/.
	rm -rf $(BUILD)

# Everything that the project builds goes below build/.
BUILD   := build
BIN     := $(BUILD)/lattice-host
TOOLS   := $(BUILD)/tools
BUILTIN := deployment egress keda network-policy
NESTED  := wasm-tests/bench wasm-tests/extism wasm-tests/schemas wasm-tests/trust
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)

GOLANGCI_VERSION := v2.11.4
GOLANGCI         := $(TOOLS)/golangci-lint-$(GOLANGCI_VERSION)
BENCHSTAT_VERSION := v0.0.0-20250813145418-2f7363a06fe1

# The AssemblyScript compiler and the Extism PDK, installed again when the lock file changes.
ASSEMBLYSCRIPT  := plugins/sdk/assemblyscript
NODE_TOOLS      := $(BUILD)/assemblyscript
NODE_TOOLS_DONE := $(NODE_TOOLS)/installed-$(shell git hash-object $(ASSEMBLYSCRIPT)/package-lock.json)

# What reads our indexes and releases beside ourselves, installed again when the lock file changes.
TRUST_NODE       := wasm-tests/trust/node
TRUST_TOOLS      := $(BUILD)/trust
TRUST_TOOLS_DONE := $(TRUST_TOOLS)/installed-$(shell git hash-object $(TRUST_NODE)/package-lock.json)

# How long each fuzz target runs, and in which folders they are.
FUZZTIME ?= 10s
FUZZIN   ?= abi host registry plugins cmd
# How long each case of the benchmarks runs: a time, or a number of runs such as 5x.
BENCHTIME ?= 1s

.DELETE_ON_ERROR:
.PHONY: help demo build plugins test test-assemblyscript test-trust test-all race check bench bench-json crds fmt lint vet generate cross fuzz fuzz-sandbox goldens clean tools-lint tools-assemblyscript tools-trust

help: ## Print what can be made.
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "%-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: build ## Build and sign the plugins, install them from a local index, derive examples/orders.yaml.
	@sh examples/demo.sh

build: ## Build the lattice-host command into build/.
	@go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o $(BIN) ./cmd/lattice-host

plugins: build ## Build the built-in plugins into build/plugins/.
	@for p in $(BUILTIN); do $(BIN) plugin build plugins/builtin/$$p -O $(BUILD)/plugins/$$p.wasm || exit; done

test: ## Run the tests that need nothing but Go.
	go test ./...
	cd wasm-tests/schemas && go test ./...
	cd wasm-tests/bench && go test ./...

test-assemblyscript: tools-assemblyscript ## Build the AssemblyScript plugin and test it; needs Node.js.
	cd wasm-tests/extism && go test ./...

test-trust: tools-trust ## Have programs of others read our indexes and releases; needs Node.js.
	cd wasm-tests/trust && go test ./...

test-all: test test-assemblyscript test-trust race fuzz ## Run everything: the tests, the race detector and every fuzz target.

race: ## Run the tests of everything that shares memory, and of hostile modules, with the race detector.
	go test -race ./host/... ./registry/... ./wasm-tests/hostile/...

check: fmt-check vet lint generate-check goldens-check cross ## Check format, vet, lint, generated files, goldens and cross-builds.

fmt: ## Format the Go source.
	gofmt -w $$(git ls-files '*.go')

.PHONY: fmt-check generate-check goldens-check
fmt-check:
	@files=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$files" ]; then echo "not formatted (make fmt):"; echo "$$files"; exit 1; fi

vet: ## Run go vet on every module, guests and foreign platforms included.
	go vet ./...
	GOOS=wasip1 GOARCH=wasm go vet ./abi/... ./plugins/...
	@for p in $(BUILTIN); do GOOS=wasip1 GOARCH=wasm go vet plugins/builtin/$$p/main.go || exit; done
	@for m in $(NESTED); do (cd $$m && go vet ./...) || exit; done
	cd wasm-tests/extism && GOOS=wasip1 GOARCH=wasm go vet ./goplugin
	cd wasm-tests/bench && GOOS=wasip1 GOARCH=wasm go vet ./guest/...

lint: $(GOLANGCI) ## Run golangci-lint, which also holds the layer law.
	$(GOLANGCI) run --allow-parallel-runners ./...
	@# With Helm and kubectl in the module, analyses that follow the dependencies would take minutes and gigabytes.
	cd wasm-tests/bench && $(CURDIR)/$(GOLANGCI) run --allow-parallel-runners --disable govet,staticcheck,unused,bodyclose,wastedassign ./...
	@deps=$$(go list -deps ./abi/... ./plugins/... | grep '\.' | grep -v '^github.com/latticenet/lattice-host/' || true); \
	  if [ -n "$$deps" ]; then echo "abi and plugins may import the standard library only:"; echo "$$deps"; exit 1; fi

tools-lint: $(GOLANGCI) ## Build the linter.

$(GOLANGCI):
	@mkdir -p $(TOOLS)
	GOBIN=$(CURDIR)/$(TOOLS) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	mv $(TOOLS)/golangci-lint $@

tools-assemblyscript: $(NODE_TOOLS_DONE) ## Install the AssemblyScript compiler and the Extism PDK.

$(NODE_TOOLS_DONE): $(ASSEMBLYSCRIPT)/package.json $(ASSEMBLYSCRIPT)/package-lock.json $(ASSEMBLYSCRIPT)/.npmrc
	@{ command -v npm && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; } >/dev/null || \
	  { echo "AssemblyScript plugins are built with Node.js 20 or newer and npm: install the packages nodejs and npm"; exit 1; }
	rm -rf $(NODE_TOOLS)
	mkdir -p $(NODE_TOOLS)
	cp $^ $(NODE_TOOLS)
	cd $(NODE_TOOLS) && { npm ci || npm ci || npm ci; }
	touch $@

tools-trust: $(TRUST_TOOLS_DONE) ## Install the readers of indexes and bundles that make test-trust compares with ours.

$(TRUST_TOOLS_DONE): $(TRUST_NODE)/package.json $(TRUST_NODE)/package-lock.json $(TRUST_NODE)/.npmrc
	@{ command -v npm && node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 17) ? 0 : 1)'; } >/dev/null || \
	  { echo "the readers need Node.js 20.17 or newer and npm: install the packages nodejs and npm"; exit 1; }
	rm -rf $(TRUST_TOOLS)
	mkdir -p $(TRUST_TOOLS)
	cp $^ $(TRUST_TOOLS)
	cd $(TRUST_TOOLS) && { npm ci || npm ci || npm ci; }
	touch $@

generate: ## Regenerate codecs and schemas.
	go generate ./abi/... ./plugins/sdk/go/kube

generate-check: generate
	@git diff --exit-code --stat -- '*codec_gen.go' 'abi/schema' || { echo "generated files are stale: make generate"; exit 1; }
	go mod tidy -diff
	@for m in $(NESTED); do (cd $$m && go mod tidy -diff) || exit; done

goldens: ## Rewrite every golden file.
	LATTICE_UPDATE=1 go test ./host/... ./wasm-tests/... ./cmd/...

goldens-check: goldens
	@git diff --exit-code --stat -- '*.txtar' || { echo "rewriting the goldens changes them: make goldens"; exit 1; }

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
	  sed -E 's#^(.*)/[^/]*:[0-9]+:func (.*)$$#\1 \2#' | sort -u | while read -r package target; do \
	    sh wasm-tests/fuzztargets/fuzz.sh $$package $$target $(FUZZTIME) || exit; \
	  done

fuzz-sandbox: ## Run the fuzz targets of the meter and of module loading for a minute each.
	@$(MAKE) --no-print-directory fuzz FUZZIN=host/sandbox FUZZTIME=60s

clean: ## Remove build/.
	rm -rf $(BUILD)

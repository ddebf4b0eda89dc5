# Everything that the project builds goes below build/.
BUILD   := build
BIN     := $(BUILD)/lattice-host
BUILTIN := deployment egress ingress keda network-policy observability runtime-policy secret-provider secrets volcano
NESTED  := wasm-tests/bench wasm-tests/cedar wasm-tests/extism wasm-tests/schemas wasm-tests/trust
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)

# One kind of build for all targets, so that a package is compiled once: releases have no paths of the machine in them.
export GOFLAGS := $(strip $(filter-out -trimpath,$(shell go env GOFLAGS)) -trimpath)

# What is made from other projects is kept by its version in a folder that all clones of this repository share. Everything
# there is complete: it is made under another name and renamed.
TOOLS ?= $(abspath $(or $(XDG_CACHE_HOME),$(addsuffix /.cache,$(HOME)),$(BUILD)))/lattice-host/tools
BUILT_WITH := $(shell go env GOVERSION GOOS GOARCH | tr '\n' '-')
GOLANGCI_VERSION  := v2.11.4
DEADCODE_VERSION  := v0.51.0
BENCHSTAT_VERSION := v0.0.0-20250813145418-2f7363a06fe1
GOLANGCI ?= $(TOOLS)/$(BUILT_WITH)golangci-lint-$(GOLANGCI_VERSION)
DEADCODE ?= $(TOOLS)/$(BUILT_WITH)deadcode-$(DEADCODE_VERSION)

# Packages for Node.js, in a folder by what their files say: the AssemblyScript compiler with the Extism PDK, the Rust
# implementation of Cedar, and what reads our indexes and releases besides ourselves. A link in build/ leads to each.
ASSEMBLYSCRIPT := plugins/sdk/assemblyscript
CEDAR          := wasm-tests/cedar
TRUST          := wasm-tests/trust/node
npm_files       = $(1)/package.json $(1)/package-lock.json $(1)/.npmrc
installed       = $(TOOLS)/node-$(shell cat $(call npm_files,$(1)) | git hash-object --stdin)
ASSEMBLYSCRIPT_DONE := $(call installed,$(ASSEMBLYSCRIPT))
CEDAR_DONE          := $(call installed,$(CEDAR))
TRUST_DONE          := $(call installed,$(TRUST))

# The packages that share memory. RACE=-race has make test run them with the race detector; loops that kill processes then have
# their short form, and run in full without it. Hostile modules run both ways: the time limits are ten times as long with it.
SHARED := ./host/... ./internal/... ./registry/... ./runtime/...
RACED  := $(SHARED) ./wasm-tests/hostile/...
RACE   ?=

# How long each fuzz target runs, and in which folders they are.
FUZZTIME ?= 10s
FUZZIN   ?= abi host internal registry runtime plugins cmd
# How many fuzz targets make fuzz-turn runs.
FUZZTURN ?= 18
# How long each case of the benchmarks runs: a time, or a number of runs such as 5x.
BENCHTIME ?= 1s
# How long make worst searches, and the number that its random changes begin with.
WORSTTIME ?= 10m
WORSTSEED ?= $(shell date +%Y%m%d)

.DELETE_ON_ERROR:
.PHONY: help demo build plugins test test-plain test-race test-assemblyscript test-cedar test-trust test-all race kills check night fuel worst property offline bench bench-peers bench-smoke bench-json crds fmt lint vet deadcode words generate cross fuzz fuzz-turn fuzz-sandbox goldens clean tools-lint tools-assemblyscript tools-cedar tools-trust

help: ## Print what can be made.
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "%-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: build ## Build and sign the plugins, install them from a local index, derive examples/orders.yaml.
	@sh examples/demo.sh

build: ## Build the lattice-host command into build/.
	@go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o $(BIN) ./cmd/lattice-host

plugins: build ## Build the built-in plugins into build/plugins/.
	@for p in $(BUILTIN); do $(BIN) plugin build plugins/builtin/$$p -O $(BUILD)/plugins/$$p.wasm || exit; done

test: $(if $(RACE),test-race,test-plain) ## Run the tests that need nothing but Go.
	go test -tags lattice_norego ./host/gate/rego
	cd wasm-tests/schemas && go test ./...
	cd wasm-tests/bench && go test -tags lattice_nopeers ./...

test-plain:
	go test -timeout 20m ./...

# Each test once: with the race detector where memory is shared, without it elsewhere. Only hostile modules and the loops that
# kill processes run twice.
test-race:
	@mkdir -p $(BUILD)
	go list ./... >$(BUILD)/packages && go list $(SHARED) | grep -vxFf - $(BUILD)/packages | xargs go test -timeout 20m
	go test -race -short -timeout 30m $(RACED)
	$(MAKE) --no-print-directory kills

kills: ## Run the loops that kill processes in full.
	grep -rl --include='*_test.go' '^func Test[A-Za-z0-9_]*Kill' $(SHARED:/...=) | xargs -n1 dirname | sort -u | \
	  xargs go test -timeout 20m -run Kill

test-assemblyscript: tools-assemblyscript ## Build the AssemblyScript plugin and test it; needs Node.js.
	cd wasm-tests/extism && go test ./...

test-trust: tools-trust ## Have programs of others read our indexes and releases; needs Node.js.
	cd wasm-tests/trust && go test ./...

test-cedar: tools-cedar ## Compare the Cedar engine with the Rust implementation; needs Node.js.
	cd wasm-tests/cedar && go test -timeout 20m ./...

test-all: test test-assemblyscript test-cedar test-trust race fuzz ## Run everything: the tests, the race detector and every fuzz target.

race: ## Run the tests of everything that shares memory, and of hostile modules, with the race detector.
	go test -race -timeout 30m $(RACED)

check: fmt-check words lint deadcode vet generate-check cross ## Check format, words, lint, dead code, vet, generated files and cross-builds.

night: ## Run everything that is slow, in hours; goes on after a failure and ends with a summary.
	@sh wasm-tests/checks/night.sh

property: ## Derive 2,000 generated services instead of the 150 of make test: all that must hold for what derives, and the real schemas.
	CI=night go test -timeout 1h ./wasm-tests/property
	cd wasm-tests/schemas && CI=night go test -timeout 1h -run TestGenerated .

offline: ## Run all tests of this module where there is no network; Linux only.
	CI=night go test -timeout 2h -run TestRow67 ./wasm-tests/acceptance

worst: ## Search for WORSTTIME (10m) for small modules that cost the host most; run the hostile ones in full.
	CI=night go test -timeout 2h -run TestCost ./wasm-tests/hostile
	go run ./wasm-tests/hostile/worst -time $(WORSTTIME) -seed $(WORSTSEED) -unit "$$(go run ./wasm-tests/fuel -median)"

fmt: ## Format the Go source.
	gofmt -w $$(git ls-files '*.go')

.PHONY: fmt-check generate-check
fmt-check:
	@files=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$files" ]; then echo "not formatted (make fmt):"; echo "$$files"; exit 1; fi

vet: ## Run go vet where the linter does not look: other build tags, guests and foreign platforms.
	go vet -tags lattice_norego ./host/gate/... ./cmd/...
	GOOS=wasip1 GOARCH=wasm go vet ./abi/... ./plugins/...
	@for p in $(BUILTIN); do GOOS=wasip1 GOARCH=wasm go vet plugins/builtin/$$p/main.go || exit; done
	@for m in $(NESTED); do (cd $$m && go vet -tags lattice_nopeers ./...) || exit; done
	cd wasm-tests/extism && GOOS=wasip1 GOARCH=wasm go vet ./goplugin
	cd wasm-tests/bench && GOOS=wasip1 GOARCH=wasm go vet ./guest/...
	GOOS=darwin GOARCH=arm64 go vet ./...

lint: $(GOLANGCI) ## Run golangci-lint, which holds the layer law and has go vet's checks.
	$(GOLANGCI) run --allow-parallel-runners ./...
	@# Analyses that follow the dependencies would take minutes and gigabytes for those of the peers.
	cd wasm-tests/bench && $(GOLANGCI) run --allow-parallel-runners --build-tags lattice_nopeers --disable govet,staticcheck,unused,bodyclose,wastedassign ./...
	@deps=$$(go list -deps -f '{{if not .Standard}}{{.ImportPath}}{{end}}' ./abi/... ./plugins/... | grep -v '^github.com/latticenet/lattice-host/' || true); \
	  if [ -n "$$deps" ]; then echo "abi and plugins may import the standard library only:"; echo "$$deps"; exit 1; fi

deadcode: $(DEADCODE) ## Find functions that the command cannot reach, except those of wasm-tests/checks/deadcode.txt.
	@mkdir -p $(BUILD)
	@$(DEADCODE) ./cmd/lattice-host/... >$(BUILD)/deadcode && sh wasm-tests/checks/deadcode.sh wasm-tests/checks/deadcode.txt <$(BUILD)/deadcode

words: ## Look for the words of wasm-tests/checks/words.txt in every line of the tree.
	@sh wasm-tests/checks/words.sh wasm-tests/checks/words.txt wasm-tests/checks/words-allowed.txt

tools-lint: $(GOLANGCI) ## Build the linter.

# go-tool builds a command of another module at a version. Its own folder and a rename let several clones do so at once.
define go-tool
	@mkdir -p $(@D)
	@new=$$(mktemp -d $(@D)/new-XXXXXX) && trap 'rm -rf "$$new"' EXIT && GOBIN="$$new" go install $(1)@$(2) && mv -f "$$new/$(notdir $(1))" $@
endef

$(GOLANGCI):
	$(call go-tool,github.com/golangci/golangci-lint/v2/cmd/golangci-lint,$(GOLANGCI_VERSION))

$(DEADCODE):
	$(call go-tool,golang.org/x/tools/cmd/deadcode,$(DEADCODE_VERSION))

tools-assemblyscript: $(ASSEMBLYSCRIPT_DONE) ## Install the AssemblyScript compiler and the Extism PDK.
	$(call link,assemblyscript)
tools-cedar: $(CEDAR_DONE) ## Install the Rust implementation of Cedar.
	$(call link,cedar)
tools-trust: $(TRUST_DONE) ## Install the readers of indexes and bundles that make test-trust compares with ours.
	$(call link,trust)

# link has the folder $(BUILD)/NAME lead to the installed packages.
define link
	@mkdir -p $(BUILD)
	@[ -L $(BUILD)/$(1) ] || rm -rf $(BUILD)/$(1)
	@ln -sfn $< $(BUILD)/$(1)
endef

$(ASSEMBLYSCRIPT_DONE): FROM := $(ASSEMBLYSCRIPT)
$(CEDAR_DONE): FROM := $(CEDAR)
$(TRUST_DONE): FROM := $(TRUST)

# A registry can fail for a moment. Another clone may have been faster, and its folder is as good.
$(ASSEMBLYSCRIPT_DONE) $(CEDAR_DONE) $(TRUST_DONE):
	@{ command -v npm && node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 17) ? 0 : 1)'; } >/dev/null || \
	  { echo "this needs Node.js 20.17 or newer and npm: install the packages nodejs and npm"; exit 1; }
	@mkdir -p $(@D)
	new=$$(mktemp -d $(@D)/new-XXXXXX) && trap 'rm -rf "$$new"' EXIT && cp $(call npm_files,$(FROM)) "$$new" && \
	  (cd "$$new" && { npm ci || npm ci || npm ci; }) && { [ -d $@/node_modules ] || mv "$$new" $@; }

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

cross: ## Build for the other platforms.
	GOOS=linux GOARCH=arm64 go build -o /dev/null ./cmd/lattice-host
	GOOS=darwin GOARCH=arm64 go build -o /dev/null ./cmd/lattice-host

crds: ## Fetch the CRDs that derived objects are validated against into build/crds/.
	cd wasm-tests/schemas && go run ./cmd/fetch-crds

fuel: ## Measure how long a unit of fuel takes for everything that a plugin can do, and fail above 20 times the median.
	go run ./wasm-tests/fuel

bench: ## Compare speed and memory with those of others, BENCHTIME (1s) a case, and print the table of ratios.
	@cd wasm-tests/bench && go run . -benchtime $(BENCHTIME)

bench-peers: ## Vet and test the benchmarks with Helm and kubectl.
	cd wasm-tests/bench && go vet ./... && go test ./...

bench-smoke: ## See that the benchmarks still run, without Helm and kubectl, which take minutes to compile.
	@cd wasm-tests/bench && go run -tags lattice_nopeers . -benchtime 5x

bench-json: ## Print the table as a JSON list of name, ours_ns, peer_ns, ratio and bar.
	@cd wasm-tests/bench && go run . -benchtime $(BENCHTIME) -format json

# Every fuzz target, a line each: its package and its name.
fuzz-targets = grep -rnoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' $(FUZZIN) | \
  sed -E 's\#^(.*)/[^/]*:[0-9]+:func (.*)$$\#\1 \2\#' | sort -u

# Run the targets of standard input, those of a package one after the other.
fuzz-each = awk '$$1 != last { printf "%s%s", (last == "" ? "" : "\n"), $$1; last = $$1 } { printf " %s", $$2 } END { if (last != "") print "" }' | \
  while read -r package targets; do \
    sh wasm-tests/fuzztargets/fuzz.sh $$package $(FUZZTIME) $$targets </dev/null || exit; \
  done

fuzz: ## Run every fuzz target for FUZZTIME (10s).
	@$(fuzz-targets) | $(fuzz-each)

fuzz-turn: ## Run FUZZTURN (18) fuzz targets, changed packages first, the others by turns from commit to commit.
	@$(fuzz-targets) | sh wasm-tests/fuzztargets/turn.sh $(FUZZTURN) | $(fuzz-each)

fuzz-sandbox: ## Run the fuzz targets of the meter and of module loading for a minute each.
	@$(MAKE) --no-print-directory fuzz FUZZIN=host/sandbox FUZZTIME=60s

clean: ## Remove build/.
	rm -rf $(BUILD)

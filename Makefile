# Borj: what is built, tested and measured. Plain `make` says what there is.

export GOTOOLCHAIN = local
GO       ?= go
FUZZTIME ?= 30s
COUNT    ?= 3

# The commit's facts, not the clock's: two builds of a commit are one binary.
COMMIT      := $(shell git rev-parse HEAD 2>/dev/null)
COMMIT_TIME := $(shell TZ=UTC git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ 2>/dev/null)
DIRTY       := $(shell test -z "$$(git status --porcelain --untracked-files=no 2>/dev/null)" || echo true)
VARS        := borj.dev/borj/cli
LDFLAGS     := -s -w -buildid= -X $(VARS).commit=$(COMMIT) -X $(VARS).commitTime=$(COMMIT_TIME) -X $(VARS).dirty=$(DIRTY)
BUILD       := CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)'

# What runs goroutines; the sweeps over real recordings stay out of -race.
RACE := ./watch ./watch/output ./watch/indicator/... ./cli

.PHONY: help build demo test bench fuzz lint generate check soak coverage reproducible

help:
	@echo 'make build     bin/borj: static, reproducible'
	@echo 'make demo      scan sample logs with sample rules and indicators'
	@echo 'make test      vet, tests, race detector; under 20 minutes on two cores'
	@echo 'make bench     measure against rivals, write docs/benchmarks.md'
	@echo 'make fuzz      every fuzz target for FUZZTIME ($(FUZZTIME))'
	@echo 'make lint      golangci-lint, built once from tools/'
	@echo 'make generate  what is generated from code: the package list of the README'
	@echo 'make check     lint, generate without a difference, reproducible build, documents'
	@echo 'make soak      long fuzzing and the long sweeps, write docs/reliability.md'
	@echo 'make coverage  which recorded attacks the rules name, write docs/detection-coverage.md'

build:
	$(BUILD) -o bin/borj ./cmd/borj

demo: build
	@cd internal/demo && ../../bin/borj scan --output-format table \
		--rules rules --indicators indicators logs

test:
	$(GO) vet ./...
	$(GO) test -timeout 15m ./...
	@if command -v $$($(GO) env CC) >/dev/null; then set -x; $(GO) test -race -short -timeout 10m $(RACE); \
	else echo 'no C compiler: the race detector is left out'; fi
	$(GO) -C bench test ./...

bench:
	$(GO) run ./internal/benchdoc -count $(COUNT) -o docs/benchmarks.md

fuzz:
	$(GO) run ./internal/soak -fuzztime $(FUZZTIME)

soak:
	$(GO) run ./internal/soak -fuzztime 10m -sweeps -o docs/reliability.md

lint: bin/golangci-lint
	bin/golangci-lint run ./...

bin/golangci-lint: tools/go.mod tools/go.sum
	$(GO) build -C tools -o ../bin/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint

generate:
	$(GO) test -run '^TestPackageList$$' . -update

check: lint reproducible
	$(GO) test -run '^TestPackageList$$' .
	$(GO) mod tidy -diff
	$(GO) -C bench mod tidy -diff
	$(GO) test -run '^(TestDocuments|TestLinks)$$' ./cli

# Builds a copy of the tree elsewhere, with an empty cache, and compares.
reproducible: build
	@set -e; copy=$$(mktemp -d); trap 'chmod -R u+w "$$copy"; rm -rf "$$copy"' EXIT; \
	git ls-files -z --cached --others --exclude-standard | tar --null --ignore-failed-read -T - -cf - | tar -xf - -C "$$copy"; \
	cd "$$copy" && GOCACHE="$$copy/.cache" $(BUILD) -o borj ./cmd/borj; \
	cmp borj "$(CURDIR)/bin/borj" && echo 'reproducible: two builds in two places are one binary'

coverage:
	$(GO) run ./internal/coverage -o docs/detection-coverage.md

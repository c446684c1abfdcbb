# Few targets; what each does is in scripts/. Everything a machine needs
# besides Go and make is installed by demo and test themselves, as root or
# through sudo: system-packages.txt lists it.

GO ?= $(shell command -v go || echo /usr/local/go/bin/go)
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
export GO
export CGO_ENABLED = 0

.PHONY: build demo test lint bench clean

build: ## bin/bakelite
	$(GO) build -trimpath -buildvcs=false -ldflags '-s -w -X main.version=$(VERSION)' -o bin/bakelite ./cmd/bakelite

demo: ## bake examples/web, run both artifacts and fetch the page from each
	@scripts/demo.sh

test: ## set up, then vet, format, unit tests and end-to-end tests
	@scripts/test.sh

lint: ## the house rules: Go, shell and workflows
	@scripts/lint.sh

bench: build ## ratios against peers, measured side by side; see bench/README.md
	$(GO) run -buildvcs=false ./bench

clean: ## remove what make built; the state folder stays
	rm -rf bin dist

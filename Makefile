# Few targets; what each does is in scripts/. Everything a machine needs
# besides Go and make is installed by demo and test themselves, as root or
# through sudo: system-packages.txt lists it.

GO ?= $(shell command -v go || echo /usr/local/go/bin/go)
# A tag gives the version; without one, that of the source counts.
VERSION ?= $(patsubst v%,%,$(shell git describe --tags --match 'v[0-9]*' --dirty 2>/dev/null))
# Git refuses a tree that another user owns, and then the Go command would too.
VCS := $(shell git status >/dev/null 2>&1 && echo auto || echo false)
BIN ?= bin
export GO
export CGO_ENABLED = 0

.PHONY: build plugin programs release demo test lint bench clean
STAMPED = -trimpath -tags embedprograms -buildvcs=$(VCS) -ldflags '-s -w$(if $(VERSION), -X main.version=$(VERSION))'

build: programs ## bin/bakelite, and bin/bakelite-scan beside it
	$(GO) build $(STAMPED) -o $(BIN)/bakelite ./cmd/bakelite
	GOEXPERIMENT=jsonv2 $(GO) build -trimpath -buildvcs=$(VCS) -ldflags '-s -w' -o $(BIN)/bakelite-scan ./cmd/bakelite-scan

plugin: programs ## bin/packer-plugin-bakelite
	$(GO) build $(STAMPED) -o $(BIN)/packer-plugin-bakelite ./cmd/packer-plugin-bakelite

# What images carry for their service, what works on trees, and what looks at
# machines that are booted for a test, is put into the programs that bake: the
# same source gives the same bytes, which are part of what decides an artifact's.
programs:
	$(GO) build -trimpath -buildvcs=false -ldflags '-s -w -buildid=' -o cmd/internal/programs/ ./cmd/bakelite-check ./cmd/bakelite-service ./cmd/bakelite-tree

# A release for each of ARCHS: the same commit and version give the same bytes.
ARCHS ?= amd64 arm64
release: ## archives, Debian packages, SBOMs, the Packer plugin and checksums in dist/release
	rm -rf dist/release
	for arch in $(ARCHS); do \
		GOARCH=$$arch $(MAKE) build plugin BIN=dist/build-$$arch && \
		$(GO) run ./scripts/release --version "$(or $(VERSION),0.1.0-dev)" --arch $$arch --from dist/build-$$arch \
			--plugin "$$($(GO) run -tags embedprograms -ldflags '-X main.version=$(or $(VERSION),0.1.0-dev)' ./cmd/packer-plugin-bakelite describe)" \
			--epoch "$$(git log -1 --format=%ct)" --out dist/release || exit 1; \
	done

demo: ## bake examples/web, run both artifacts and fetch the page from each
	@scripts/demo.sh

test: ## set up, then vet, format, unit tests and end-to-end tests
	@scripts/test.sh

lint: ## the house rules: Go, shell and workflows
	@scripts/lint.sh

bench: build ## ratios against peers, measured side by side; see bench/
	$(GO) run -buildvcs=$(VCS) ./bench

clean: ## remove what make built; the state folder stays
	rm -rf bin dist cmd/internal/programs/bakelite-*

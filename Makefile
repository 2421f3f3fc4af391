# Compares the server with a plain file and, where Node is, with a server for it:
# docs/performance.md.
.PHONY: bench bench-quick

bench bench-quick:
	bin=$$(mktemp -d) && trap 'rm -r "$$bin"' EXIT && \
	go build -o "$$bin/" ./cmd/syncabled ./cmd/syncload && \
	"$$bin/syncload" bench --server "$$bin/syncabled" --node testdata/js/bench/ram-server.js $(if $(findstring quick,$@),--quick) $(BENCHFLAGS)

# Shows how the cost of the server grows with what it has to do: docs/performance.md.
.PHONY: growth growth-quick

growth growth-quick:
	bin=$$(mktemp -d) && trap 'rm -r "$$bin"' EXIT && \
	go build -o "$$bin/" ./cmd/syncabled ./cmd/syncload && \
	"$$bin/syncload" growth --server "$$bin/syncabled" $(if $(findstring quick,$@),--quick) $(GROWTHFLAGS)

# Builds the archives of a release for all systems into dist/. SOURCE_DATE_EPOCH is
# the time of the files in them; without it that of the last commit.
.PHONY: release release-check

VERSION ?= $(shell git describe --tags --always --dirty)
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct)
RELEASE = go run ./cmd/release -version $(VERSION) -time $(SOURCE_DATE_EPOCH) -to

release:
	rm -rf dist
	$(RELEASE) dist

# Builds twice, the second time in another folder and with nothing left of the first,
# and compares.
release-check: release
	other=$$(mktemp -d) && trap 'chmod -R u+w "$$other"; rm -r "$$other"' EXIT && \
	mkdir "$$other/source" && \
	{ git ls-files -z -- . ':!testdata'; git ls-files -z -- testdata/js/demo; } | xargs -0 tar cf - | tar xf - -C "$$other/source" && \
	(cd "$$other/source" && GOCACHE="$$other/cache" $(RELEASE) "$$other/dist") && \
	diff -r dist "$$other/dist" && echo "both builds are the same, byte by byte"

# Builds an image that says which version it holds: docs/operating.md.
.PHONY: image

image:
	docker build -f docs/deploy/Dockerfile --build-arg VERSION=$(VERSION) -t syncabled:$(VERSION) -t syncabled .

# Fuzzes each target for FUZZTIME. The targets cut their inputs, so that the fuzzer does
# not spend its time on minimising them.
.PHONY: fuzz

FUZZTIME ?= 30s

fuzz:
	for package in $$(go list ./...); do \
	  for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz'); do \
	    echo "$$package $$target" && \
	    go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$package || exit 1; \
	  done; \
	done

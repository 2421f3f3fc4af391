# Compares the server with a plain file and, where Node is, with a server for it:
# docs/performance.md.
.PHONY: bench bench-quick

bench bench-quick:
	bin=$$(mktemp -d) && trap 'rm -r "$$bin"' EXIT && \
	go build -o "$$bin/" ./cmd/syncabled ./cmd/syncload && \
	"$$bin/syncload" bench --server "$$bin/syncabled" --node testdata/js/bench/ram-server.js $(if $(findstring quick,$@),--quick) $(BENCHFLAGS)

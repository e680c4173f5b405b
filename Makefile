# The verbs that a person types; `make help` lists them. Each installs what it needs into .venv.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DATA ?= ../shared/data
WHEELS := target/wheels
PYTHON_SOURCES := python tests/python benches/peers docs/conf.py docs/_ext $(wildcard notebooks)
# One interpreter for every build script, so that nothing is built twice for its sake.
export PYO3_PYTHON := $(abspath $(BIN)/python)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Tests, binary and wheel share one profile and one target folder: see python/Cargo.toml.
CARGO_FLAGS := --release --workspace --locked

.PHONY: help
help: ## list the verbs
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

.PHONY: need-rust need-python
need-rust:
	@command -v cargo >/dev/null || { echo "missing: Rust 1.88 or later, see https://rustup.rs" >&2; exit 1; }
	@command -v cc >/dev/null || { echo "missing: a C linker (cc), e.g. 'apt-get install build-essential'" >&2; exit 1; }
need-python:
	@command -v $(PYTHON) >/dev/null || { echo "missing: Python 3.10 or later as '$(PYTHON)'" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "missing: Python 3.10 or later, '$(PYTHON)' is older; set PYTHON=" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "missing: Python's venv, e.g. 'apt-get install python3-venv'" >&2; exit 1; }

$(BIN)/python: | need-python
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: | $(BIN)/python
	$(BIN)/pip install --quiet 'maturin>=1.9.4,<2' 'numpy>=1.24'
	@touch $@

$(VENV)/.dev: requirements-dev.txt | $(BIN)/python
	$(BIN)/pip install --quiet -r requirements-dev.txt
	@touch $@ $(VENV)/.run

.PHONY: setup
setup: need-rust $(VENV)/.dev ## make .venv with everything that tests and notebooks need

.PHONY: wheel sdist build
wheel: need-rust $(VENV)/.run ## build the abi3 wheel into target/wheels and install it into .venv
	@rm -rf $(WHEELS)
	$(BIN)/maturin build --quiet --release --locked --interpreter $(BIN)/python --out $(WHEELS)
	$(BIN)/pip install --quiet --force-reinstall --no-deps $(WHEELS)/donormatch-*.whl
sdist: need-rust $(VENV)/.run ## build the source distribution into target/sdist: it needs Rust alone
	@rm -rf target/sdist
	$(BIN)/maturin sdist --quiet --out target/sdist
build: wheel ## build the library, the binary and the wheel, and install the wheel into .venv
	cargo build --release --locked

.PHONY: test test-rust test-python
test: lint test-rust test-python notebooks ## run every check: format, lints, Rust, Python, notebooks
	@echo "all checks passed"
test-rust: setup
	cargo test $(CARGO_FLAGS)
	cargo clippy --release --locked --no-default-features -- -D warnings
	cargo test --release --locked --no-default-features --features linfa --lib linfa
test-python: setup wheel
	$(BIN)/python -m pytest --quiet
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest donormatch._core

.PHONY: lint fmt
lint: setup ## check formatting and lints
	cargo fmt --all --check
	cargo clippy $(CARGO_FLAGS) --all-targets -- -D warnings
	$(BIN)/ruff format --check $(PYTHON_SOURCES)
	$(BIN)/ruff check $(PYTHON_SOURCES)
fmt: setup ## format Rust and Python
	cargo fmt --all
	$(BIN)/ruff check --quiet --fix-only $(PYTHON_SOURCES)
	$(BIN)/ruff format --quiet $(PYTHON_SOURCES)

.PHONY: demo
demo: wheel ## rank the donors of an embedded synthetic cohort: a table here, a report in HTML
	@folder=$$(mktemp -d); \
	$(BIN)/donormatch simulate --seed 0 --output "$$folder"; \
	$(BIN)/donormatch rank "$$folder/donors.tsv" "$$folder/recipients.tsv" \
	  --metadata "$$folder/metadata.tsv" --seed 0 --report "$$folder/report.html"; \
	echo "report: $$folder/report.html"

.PHONY: need-data models prove
need-data:
	@test -d $(DATA) || { echo "missing: the real tables in '$(DATA)'; set DATA=" >&2; exit 1; }
models: wheel need-data ## rebuild the shipped models from the real tables in ../shared/data
	@for config in models/*/config.toml; do \
	  folder=$$(dirname "$$config"); echo "$$folder"; \
	  $(BIN)/donormatch evaluate "$$config" --data $(DATA) --output "$$folder/metrics.json" >/dev/null; \
	  $(BIN)/donormatch fit "$$config" --data $(DATA) --output "$$folder" --metrics "$$folder/metrics.json"; \
	done
	@echo "run 'make build' to bundle them, and 'make golden' to write the golden values again"
prove: setup wheel need-data ## evaluate on the real tables, a cohort left out at a time, and fuzz the readers
	$(BIN)/donormatch evaluate --data $(DATA)
	DONORMATCH_FUZZ=1000000 cargo test $(CARGO_FLAGS) --test it -- fuzz privacy --nocapture
	DONORMATCH_MUTANTS=100000 cargo test $(CARGO_FLAGS) --lib -- persist
	DONORMATCH_TABLES=100000 cargo test $(CARGO_FLAGS) --test it -- tables_written
	DONORMATCH_TRIALS=1000 cargo test $(CARGO_FLAGS) --test it -- evidence_trials --nocapture
	DONORMATCH_SITES=1 cargo test $(CARGO_FLAGS) --test it -- evidence_sites --nocapture
	DONORMATCH_DESIGNS=1000 cargo test $(CARGO_FLAGS) --test it -- allocation --nocapture
	DONORMATCH_FUZZ=5000 $(BIN)/python -m pytest --quiet tests/python/test_hostile.py
	DONORMATCH_SBC=500 cargo test $(CARGO_FLAGS) --test it -- evidence_calibration --nocapture
	$(BIN)/pip install --quiet pyspark==4.3.0 && DONORMATCH_KILLS=10 $(BIN)/python -m pytest --quiet tests/python/test_distributed.py
	$(MAKE) browser

.PHONY: golden
golden: need-rust ## write the golden cohort and its expected ranking again, with the bundled model
	cargo test --release --locked --test it golden::regenerate -- --ignored

.PHONY: bench bench-peers
bench: need-rust ## time the hot rooms
	cargo bench --locked
bench-peers: need-rust need-python ## time donormatch beside its peers (accuracy: benches/peers/run --jobs accuracy)
	@test -x benches/peers/run || { echo "missing: benches/peers/run" >&2; exit 1; }
	benches/peers/run

.PHONY: notebooks docs site linkcheck browser clean
notebooks: setup wheel ## run the tutorials
	@if compgen -G 'notebooks/*.ipynb' >/dev/null; then $(BIN)/python -m pytest --quiet --nbmake --nbmake-timeout=300 notebooks; fi
docs: need-rust ## build the reference of the crate
	RUSTDOCFLAGS='-D warnings' cargo doc --release --locked --no-deps --package donormatch
	@echo "docs: target/doc/donormatch/index.html"
$(VENV)/.site: docs/requirements.txt $(VENV)/.dev
	$(BIN)/pip install --quiet -r docs/requirements.txt
	@touch $@
SPHINX = DONORMATCH_SITE_ONLINE=$(ONLINE) $(BIN)/python -m sphinx -W --keep-going --quiet
site: setup wheel $(VENV)/.site ## build the documentation site (ONLINE=1: with links into other packages)
	@rm -rf docs/reference/generated
	$(SPHINX) -b html docs docs/_build/html
	@echo "site: docs/_build/html/index.html"
linkcheck: setup wheel $(VENV)/.site ## follow every link of the site that leads elsewhere
	$(SPHINX) -b linkcheck docs docs/_build/linkcheck
CHROMIUM ?= $(firstword $(foreach name,chromium chromium-browser google-chrome,$(shell command -v $(name) 2>/dev/null)))
browser: site ## look at site and report in headless Chromium: axe, no request to elsewhere, pictures
	@if [ -z "$(CHROMIUM)" ]; then echo "skipped: no Chromium, e.g. 'apt-get install chromium'"; \
	elif ! command -v npm >/dev/null; then echo "skipped: no Node.js with npm, e.g. 'apt-get install npm'"; \
	else npm ci --prefix tests/browser --no-audit --no-fund --silent && \
	  CHROMIUM=$(CHROMIUM) node tests/browser/site.mjs docs/_build/html target/browser && \
	  $(BIN)/donormatch simulate --output target/browser/cohort && \
	  $(BIN)/donormatch rank target/browser/cohort/donors.tsv target/browser/cohort/recipients.tsv \
	    --metadata target/browser/cohort/metadata.tsv --report target/browser/report.html >/dev/null && \
	  CHROMIUM=$(CHROMIUM) node tests/browser/report.mjs target/browser/report.html target/browser; fi
clean: ## remove what was built, and .venv
	cargo clean
	rm -rf docs/_build docs/reference/generated docs/reference/shell.md tests/browser/node_modules
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache

# Commands for people and CI. `make demo` and `make test` require only Python and make. `make help` lists the targets.
PYTHON ?= python3
UV_VERSION := 0.13.9
UV := .uv/bin/uv
BIN := .venv/bin
# 1: serve after the table is printed, until Ctrl-C. 0: stop after the table.
SERVE ?= 1
# 1: delete the demo's data and start over, after a confirmation. yes: without a confirmation.
FRESH ?=
# yes: `make clean` asks for no confirmation.
YES ?=
PROGRESS := $(PYTHON) .ci/with_progress.py

# Compile bytecode at installation; otherwise every first import is two to three times slower.
export UV_COMPILE_BYTECODE := 1
export UV_PYTHON_DOWNLOADS := never
# Trust the system's certificates: some companies use their own on the way to the registry.
export UV_SYSTEM_CERTS := 1
# Waiting threads must not spin: with tests on both cores, or services beside a training, spinning costs minutes.
export OMP_WAIT_POLICY := PASSIVE
export PATH := $(CURDIR)/$(BIN):$(PATH)
unexport VIRTUAL_ENV

.PHONY: help demo test setup check format docs rooms test-slow bench bench-quick clean browser ruby rails
.DEFAULT_GOAL := help

help: ## List these targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-11s %s\n", $$1, $$2}' Makefile

demo: .venv/installed ## Install, simulate a marketplace, train, score and serve it (SERVE=0: no services; FRESH=1: start over).
	@$(BIN)/tqs demo $(if $(filter 0,$(SERVE)),--no-serve) \
	  $(if $(filter-out 0 no,$(FRESH)),--fresh) $(if $(filter yes,$(FRESH)),--yes)

test: .venv/installed-dev browser ruby ## Run the test suite, without the slow tests.
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal -m "not slow"

setup: .venv/installed-dev ## Install everything for development and print the interpreter for the editor.
	@echo "Interpreter: $(CURDIR)/$(BIN)/python ($$($(BIN)/python --version))"

check: .venv/installed-dev ## Check format, lint, types, imports between rooms, and generated documents.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m cli.docs --check

format: .venv/installed-dev ## Format the code and apply safe lint fixes.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: .venv/installed-dev ## Write the generated documents.
	$(BIN)/python -m cli.docs

rooms: .venv/installed-dev ## Count modules, lines and imports by room.
	@$(BIN)/python -m cli.docs.rooms

test-slow: .venv/installed-dev browser ruby rails ## Run the slow tests: chaos, soak, scale, a real Rails app.
	$(BIN)/pytest -m slow

bench: .venv/installed-dev ## Run every benchmark; one table at the end, kept as JSON.
	$(BIN)/python -m benchmarks

bench-quick: .venv/installed-dev ## Run the benchmarks of about three minutes.
	$(BIN)/python -m benchmarks --quick

clean: ## Delete the environment and the data of this folder, after a confirmation (YES=yes: without).
	@$(PYTHON) .ci/clean.py $(if $(filter yes,$(YES)),--yes)

$(UV):
	$(PYTHON) -m venv .uv
	@$(PROGRESS) "Install uv" 10 .uv/bin/pip install --quiet uv==$(UV_VERSION)

# --inexact: the demo keeps installed development tools.
.venv/installed: pyproject.toml uv.lock | $(UV)
	@$(PROGRESS) "Install 1.9 GB of packages into .venv" 60 $(UV) sync --frozen --no-dev --inexact --python $(PYTHON)
	touch $@

.venv/installed-dev: pyproject.toml uv.lock | $(UV)
	@$(PROGRESS) "Install 2.4 GB of packages into .venv" 75 $(UV) sync --frozen --python $(PYTHON)
	touch $@ .venv/installed

# The page tests need Chromium. It is installed where possible (root with apt-get); otherwise those tests are skipped.
browser: ## Install Chromium for the page tests, where possible.
	@command -v chromium chromium-browser google-chrome >/dev/null || { \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; } \
	|| echo "no Chromium: the page tests will be skipped"

# The tests of the Ruby client need Ruby with its standard library.
ruby: ## Install Ruby for the tests of the Ruby client, where possible.
	@command -v ruby >/dev/null || { \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq ruby >/dev/null; } \
	|| echo "no Ruby: the tests of the Ruby client will be skipped"

# The slow tests run the steps of docs/rails.md in a real Rails app.
rails: ## Install Rails for the slow tests, where possible.
	@ruby -e 'require "rails"; require "pg"' 2>/dev/null || { \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ruby-rails ruby-pg >/dev/null; } \
	|| echo "no Rails: the test of docs/rails.md will be skipped"

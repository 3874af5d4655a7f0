# What people, hooks and CI call. `make demo` and `make test` need Python, make and nothing else of ours.
PYTHON ?= python3
UV_VERSION := 0.13.9
UV := .uv/bin/uv
BIN := .venv/bin
# 1: serve after the table, until Ctrl-C. 0: stop after the table.
SERVE ?= 1
# 1: delete the demo's data and start over, after asking. yes: without asking.
FRESH ?=
# yes: `make clean` does not ask.
YES ?=
PROGRESS := $(PYTHON) .ci/with_progress.py

# Bytecode is compiled at installation, or every first import is two to three times slower.
export UV_COMPILE_BYTECODE := 1
export UV_PYTHON_DOWNLOADS := never
# Trust what the machine trusts: some companies sign their own way to the registry.
export UV_SYSTEM_CERTS := 1
# Threads that wait do not spin: with the tests on both cores, or services beside a training, spinning costs minutes.
export OMP_WAIT_POLICY := PASSIVE
export PATH := $(CURDIR)/$(BIN):$(PATH)
unexport VIRTUAL_ENV

.PHONY: demo test test-slow check bench docs format clean browser ruby rails

demo: .venv/installed
	@$(BIN)/tqs demo $(if $(filter 0,$(SERVE)),--no-serve) \
	  $(if $(filter-out 0 no,$(FRESH)),--fresh) $(if $(filter yes,$(FRESH)),--yes)

test: .venv/installed-dev browser ruby
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 -m "not slow"

test-slow: .venv/installed-dev browser ruby rails
	$(BIN)/pytest -m slow

check: .venv/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m cli.docs --check

bench: .venv/installed-dev
	$(BIN)/python -m benchmarks.pipeline
	$(BIN)/python -m benchmarks.tuning
	$(BIN)/python -m benchmarks.scale_training
	$(BIN)/python -m benchmarks.coverage
	$(BIN)/python -m benchmarks.features
	$(BIN)/python -m benchmarks.engines
	$(BIN)/python -m benchmarks.serving
	$(BIN)/python -m benchmarks.online
	$(BIN)/python -m benchmarks.reading
	$(BIN)/python -m benchmarks.webhooks
	$(BIN)/python -m benchmarks.end_to_end
	$(BIN)/python -m benchmarks.day

docs: .venv/installed-dev
	$(BIN)/python -m cli.docs

format: .venv/installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	@$(PYTHON) .ci/clean.py $(if $(filter yes,$(YES)),--yes)

$(UV):
	$(PYTHON) -m venv .uv
	@$(PROGRESS) "Install uv" 10 .uv/bin/pip install --quiet uv==$(UV_VERSION)

# --inexact: the demo leaves the developers' tools alone.
.venv/installed: pyproject.toml uv.lock | $(UV)
	@$(PROGRESS) "Install 1.9 GB of packages into .venv" 60 $(UV) sync --frozen --no-dev --inexact --python $(PYTHON)
	touch $@

.venv/installed-dev: pyproject.toml uv.lock | $(UV)
	@$(PROGRESS) "Install 2.4 GB of packages into .venv" 75 $(UV) sync --frozen --python $(PYTHON)
	touch $@ .venv/installed

# The page tests want a Chromium. Where one can be installed it is; elsewhere those tests say that they were skipped.
browser:
	@command -v chromium chromium-browser google-chrome >/dev/null || { \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; } \
	|| echo "no Chromium: the page tests will be skipped"

# The Ruby client's tests want a Ruby; what comes with it is enough.
ruby:
	@command -v ruby >/dev/null || { \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq ruby >/dev/null; } \
	|| echo "no Ruby: the tests of its client will be skipped"

# The recipe of docs/rails.md is run in a real Rails app by the slow tests.
rails:
	@ruby -e 'require "rails"; require "pg"' 2>/dev/null || { \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ruby-rails ruby-pg >/dev/null; } \
	|| echo "no Rails: the test of its recipe will be skipped"

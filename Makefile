# Everything starts here. Each target sets up what it needs; `make` alone lists them.
PYTHON ?= python3
PY := .venv/bin/python
# Where a machine is told to keep no bytecode, each worker of the tests compiles all of them anew, which takes it five seconds.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help setup dev migrate privacy test proof e2e page-types check vercel vercel-pro schema bench growth soak quality lock clean screenshots
help:  ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

setup:  ## the virtual environment (every other target calls it)
	@$(PYTHON) local/setup.py

dev: setup  ## the whole product on this machine, reloading on change
	@exec $(PY) -m local.dev --with-parent

migrate: setup  ## bring the database of DATABASE_URL_UNPOOLED (else DATABASE_URL) to this version's schema
	@$(PY) -m db.migrate

test: setup  ## the tests: PostgreSQL and every stand-in are started for you
	@$(PY) -m pytest

proof: setup  ## thousands of hostile bodies, canaries, programs under the Python SDK, make dev itself, Redis away
	@$(PY) -m pytest tests/proof

e2e: setup  ## tests with whole browsers and SDKs: they need Node and Chromium
	@$(PY) -m pytest tests/e2e -n 0

vercel: setup  ## build as Vercel would, without a login, and try what comes out (needs Node)
	@$(PY) -m local.vercel

vercel-pro: setup  ## write the crons of each minute into vercel.json, which Vercel's Hobby plan would refuse
	@$(PY) -m local.crons

soak: setup  ## long tests: kills, a million rows
	@$(PY) -m pytest tests/soak -n 0

growth: setup  ## how throughput and lists behave from a thousand to a million events (a quarter of an hour)
	@$(PY) -m bench.growth

screenshots: setup  ## pictures of every page, light and dark, desktop and phone, into .local/screenshots
	@$(PY) -m tests.e2e.screenshots

figures: setup  ## how long lists take on 100,000 incidents and a million events, at the API and to pixels
	@$(PY) -m tests.e2e.figures

page-types: setup  ## the types of the pages (needs Node)
	@$(PY) -m local.page_tools

check: setup  ## lint, types, schema, import direction
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(PY) -m pytest -n 0 tests/test_structure.py tests/test_queries.py tests/test_schema.py tests/test_reference.py

schema: setup  ## write db/schema.sql anew, after a migration was added
	@$(PY) -m local.schema

reference: setup  ## write openapi.json, its page and docs/permissions.md anew, after an operation was added
	@$(PY) -m local.reference

privacy: setup  ## write docs/privacy.md anew, after a test of the policy was added
	@$(PY) -m tests.policy.table

bench: setup  ## what an event costs, alone and beside alerts and analyses, against what is promised (four minutes; docs/bench.md)
	@$(PY) -m bench.ingest; status=$$?; $(PY) -m bench.alerts && exit $$status

quality: setup  ## grouping and redaction against the labelled sets, where they are at hand
	@$(PY) -m tests.quality.floors

lock: setup  ## requirements*.in → requirements*.txt
	@for name in requirements requirements-dev requirements-e2e; do \
	  .tools/uv-*/bin/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate $$name.in -o $$name.txt; done

clean:  ## forget the environment and all local data
	@rm -rf .venv .tools .local .mypy_cache .ruff_cache .pytest_cache

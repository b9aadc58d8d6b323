# `make` alone lists the targets. Each sets itself up: nothing to install first but Python 3.11 or later.

.DEFAULT_GOAL := help
.SILENT:
.PHONY: help setup test check generated demo bench campaign mutants lock image clean

PYTHON ?= python3
IMAGE ?= pgrst-gate:dev
# A base image that does not come from the network: make image BASE_IMAGE=...
BASE_IMAGE ?=
PYTEST_ARGS ?=

# Tests start hundreds of processes. Where Python is told to keep no bytecode, each would compile all
# that it imports: half a second of processor.
export PYTHONDONTWRITEBYTECODE =

VENV := .venv
BIN := $(VENV)/bin
# As old as the last time the environment was brought up to date.
STAMP := $(VENV)/.stamp
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
LOCK := $(BIN)/uv pip compile pyproject.toml --extra kubernetes --extra migrations --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --custom-compile-command "make lock" $(LOCK_ARGS)

help: ## list the targets
	awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv with the locked dependencies (the others do this by themselves)

$(STAMP): requirements/dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "pgrst-gate needs Python 3.11 or later, and $(PYTHON) is $$($(PYTHON) -V 2>&1)." \
			"Name another: make PYTHON=python3.13 $(MAKECMDGOALS)" >&2; exit 1; }
	echo "Setting up $(VENV) ..."
	$(PYTHON) -m venv $(VENV)
	# --no-deps: the lock is complete, and leaves out on purpose what pip would add (see pyproject.toml)
	$(PIP) install --no-compile --no-deps --require-hashes --only-binary :all: --requirement requirements/dev.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	touch $@

test: $(STAMP) ## run the tests; PYTEST_ARGS="-k stale" picks some
	$(BIN)/python -m pytest --numprocesses=auto $(PYTEST_ARGS)

check: $(STAMP) ## lint, type-check, and lint the action, the workflows and the Dockerfile
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m pgrst_gate.generated --check
	$(BIN)/python -m pgrst_sandbox.accounts --check
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions action.yml native/action.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/actionlint -no-color
	$(BIN)/zizmor --offline --no-progress --quiet .
	$(BIN)/hadolint Dockerfile
	$(BIN)/yamllint --strict .

generated: $(STAMP) ## write action.yml and all else that repeats the table of inputs
	$(BIN)/python -m pgrst_gate.generated

demo: $(STAMP) ## watch the gate close on a stale cache and open on a fresh one
	$(BIN)/python -m pgrst_sandbox.demo

bench: $(STAMP) ## measure the gate
	$(BIN)/python -m bench

campaign: $(STAMP) ## hunt wrong verdicts; N=1000 trials
	$(BIN)/python -m campaign --trials $(or $(N),200)

mutants: $(STAMP) ## change the rules in small ways: does a test notice?
	$(BIN)/python -m mutation

lock: $(STAMP) ## lock the dependencies anew; LOCK_ARGS=--upgrade takes newer versions
	$(LOCK) --output-file requirements/runtime.txt
	$(LOCK) --group dev --constraint requirements/runtime.txt --output-file requirements/dev.txt

image: ## build the image as pgrst-gate:dev; BASE_IMAGE=... builds on another base
	docker build --tag $(IMAGE) $(addprefix --build-arg BASE_IMAGE=,$(BASE_IMAGE)) .

clean: ## remove what the other targets made
	rm -rf $(VENV) build dist mutants .mypy_cache .pytest_cache .ruff_cache .hypothesis

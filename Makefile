# Two commands need nothing but Python 3.11+ and make: `make demo` and `make test`.
# Everything is installed into .venv from locked versions with hashes.

PYTHON ?= python3
TOWN ?= full
EXAMPLES ?= 1000
TIMES ?= 1
SEEDS ?= 1000
INPUTS ?= 100000
DEVICES ?= 10000
KAFKA_PORT ?= 19092
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
CODE := events streams sinks tests bench

.DEFAULT_GOAL := help

.PHONY: help demo test test-slow test-chaos test-day test-properties simulate-faults chaos day fuzz test-openapi integration check format schemas handbook kafka kafka-stop bench bench-quick lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# -- environments

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "gridwatch needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ..." >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is needed; on Debian: apt-get install python3-venv" >&2; exit 2; }

$(VENV)/.embedded: $(VENV)/bin/python requirements/embedded.txt pyproject.toml
	@echo "installing what the demo needs from requirements/embedded.txt (once, about 600 MB) ..."
	@$(PIP) install --require-hashes -r requirements/embedded.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python requirements/dev.txt pyproject.toml
	@echo "installing what the tests need from requirements/dev.txt (once, about 700 MB) ..."
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.embedded

# -- using it

demo: $(VENV)/.embedded ## Watch a simulated town for 14 days (TOWN=small is quicker)
	@$(BIN)/gridwatch demo --town $(TOWN)

clean: ## Take away everything that was installed, made or cached here
	@if [ -x deploy/kafka/kafka.sh ] && [ -d .kafka ]; then deploy/kafka/kafka.sh stop || true; fi
	@rm -rf $(VENV) .gridwatch .kafka .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache dist build
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# -- testing it

test: $(VENV)/.dev ## Run the tests that need Python alone; says what it leaves out
	@$(BIN)/python -m pytest -n auto --dist loadgroup -m "not slow" -q

test-slow: $(VENV)/.dev ## Run the tests that take longer, on the Apache Kafka that `make kafka` started
	@GRIDWATCH_TEST_KAFKA=$${GRIDWATCH_TEST_KAFKA:-127.0.0.1:$(KAFKA_PORT)} GRIDWATCH_REQUIRE_KAFKA=1 \
		$(BIN)/python -m pytest -n auto --dist loadgroup -m slow -q

test-chaos: $(VENV)/.dev ## Break real parts in some of the ways, and see that a planted fault is found (Java 17 and Maven)
	@GRIDWATCH_CHAOS=1 GRIDWATCH_REQUIRE_KAFKA=1 $(BIN)/python -m pytest tests/chaos -m chaos -q

test-day: $(VENV)/.dev ## Run a few devices through a day in which everything is killed (Java 17 and Maven)
	@GRIDWATCH_CHAOS=1 GRIDWATCH_REQUIRE_KAFKA=1 $(BIN)/python -m pytest tests/day -m chaos -q

day: $(VENV)/.dev ## Run DEVICES=n devices through a day and judge what arrived (Java 17 and Maven)
	@$(BIN)/python -m tests.day --devices $(DEVICES)

test-properties: $(VENV)/.dev ## Compare the core with the independent model on EXAMPLES=n histories (EXPLORE=1: on new ones)
	@EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest tests/properties -n auto -q

simulate-faults: $(VENV)/.dev ## Run the whole pipeline on SEEDS=n simulated weeks full of faults
	@$(BIN)/python -m tests.simulation --seeds $(SEEDS)

chaos: $(VENV)/.dev ## Break a cluster and every process TIMES=n times in each way, under load (Java 17 and Maven)
	@$(BIN)/python -m tests.chaos --times $(TIMES)

fuzz: $(VENV)/.dev ## Give INPUTS=n broken inputs to codec, policy, core, intake, gateway, state and readers
	@$(BIN)/python -m tests.fuzz --inputs $(INPUTS)

test-openapi: $(VENV)/.dev ## Hold a running gateway against docs/openapi.json with Schemathesis (a minute)
	@$(BIN)/python -m tests.openapi

integration: $(VENV)/.dev ## Run the suites on the Apache Kafka that `make kafka` started
	@GRIDWATCH_TEST_KAFKA=$${GRIDWATCH_TEST_KAFKA:-127.0.0.1:$(KAFKA_PORT)} GRIDWATCH_REQUIRE_KAFKA=1 \
		$(BIN)/python -m pytest tests/contract tests/integration tests/acceptance -n auto --dist loadgroup -q -k "kafka"

check: $(VENV)/.dev ## Format, lint, types, imports, generated files current, dead code
	@$(BIN)/ruff format --check $(CODE)
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/mypy events streams sinks
	@$(BIN)/lint-imports
	@$(BIN)/python -m events.schema_files --check
	@$(BIN)/python -m tests.support.handbook --check
	@$(BIN)/python -m tests.support.settings_table --check
	@$(BIN)/python -m tests.support.metrics_table --check
	@$(BIN)/vulture

format: $(VENV)/.dev ## Put the code into its form
	@$(BIN)/ruff format $(CODE)
	@$(BIN)/ruff check --fix --quiet $(CODE)

schemas: $(VENV)/.dev ## Write the JSON Schemas, the AsyncAPI document, the tables of settings and metrics
	@$(BIN)/python -m events.schema_files --write
	@$(BIN)/python -m tests.support.settings_table --write
	@$(BIN)/python -m tests.support.metrics_table --write

handbook: $(VENV)/.dev ## Write the rule handbook from the spec tests
	@$(BIN)/python -m tests.support.handbook --write

bench: $(VENV)/.dev ## Measure everything against floor and peers (about half an hour; Java 17 and Maven)
	@$(BIN)/python -m bench

bench-quick: $(VENV)/.dev ## Measure the main ratios, or those of ONLY=gateway, and compare them with bench/floors.toml (under a minute)
	@$(BIN)/python -m bench --quick $(if $(ONLY),--only $(ONLY)) --check bench/floors.toml

# -- a real Apache Kafka (Java 17 and Maven)

kafka: ## Fetch and start Apache Kafka on KAFKA_PORT
	@deploy/kafka/kafka.sh fetch && deploy/kafka/kafka.sh start --port $(KAFKA_PORT)

kafka-stop: ## Stop it
	@deploy/kafka/kafka.sh stop

# -- locked versions

lock: ## Resolve the locked versions anew (needs uv)
	@uv pip compile requirements/build.in --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q -o requirements/build.txt
	@uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q -o requirements/run.txt
	@uv pip compile pyproject.toml requirements/build.in --universal --python-version 3.11 --extra embedded --generate-hashes --no-header --no-annotate -q -o requirements/embedded.txt
	@uv pip compile pyproject.toml requirements/build.in --universal --python-version 3.11 --extra embedded --group test --group check --generate-hashes --no-header --no-annotate -q -o requirements/dev.txt
	@uv pip compile requirements/schemathesis.in --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q -o requirements/schemathesis.txt

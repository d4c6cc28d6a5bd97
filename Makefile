# `make help` lists the verbs. Variables: PYTHON (the interpreter that .venv is made from),
# TORCH_INDEX (an index that offers CPU builds of PyTorch), DEPLOYMENT (how loadtest runs the servers:
# auto, image, native or embedded), ARGS (more arguments for loadtest, ui, quick, test, truth, bench, up and logs),
# FUZZ_SECONDS (how long to fuzz).
PYTHON ?= python3
TORCH_INDEX ?=
DEPLOYMENT ?= auto
ARGS ?=
FUZZ_SECONDS ?= 60
BIN := .venv/bin
PROMETHEUS := exporters/prometheus
export PYTHON TORCH_INDEX FUZZ_SECONDS
# What is compiled once is read by the hundreds of processes that the tests start.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup loadtest ui up down ps logs quick test truth test-compose bench sanitize fuzz lint clean

help: ## list what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

setup: ## install what is missing: system packages, .venv, Python packages
	@./scripts/setup

loadtest: setup ## serve the models, load each server to its ceiling, leave a report in results/latest
	@$(BIN)/redline run --deployment $(DEPLOYMENT) $(ARGS)

up: ## start the whole stack in containers, and wait until every server answers rightly
	@./scripts/compose build --quiet
	@./scripts/compose up --detach --wait $(ARGS)

down: ## stop the stack and remove all of it but its images
	@./scripts/compose down --volumes --remove-orphans

ps: ## what of the stack runs, and how it is
	@./scripts/compose ps --all

logs: ## what the stack prints; ARGS="--follow locust-master" chooses
	@./scripts/compose logs $(ARGS)

ui: setup ## both servers and Locust's web UI: choose a target and a scenario, see the report
	@$(BIN)/redline ui $(ARGS)

quick: ## what a minute can tell of a change: its lint, all types, the pure tests
	@./scripts/quick $(ARGS)

test: ## run every test, in as many lanes as there are cores; ARGS="--last-failed" goes to pytest
	@./scripts/setup test
	@$(BIN)/python -m pytest -n auto $(ARGS)

truth: ## what Redline says, held against simulations and servers whose truth is known; a table of it
	@./scripts/setup test
	@REDLINE_TRUTH=1 $(BIN)/python -m pytest -n auto tests/truth $(ARGS)

test-compose: ## the stack in a real Docker engine: healthy, right, loaded, killed in part, gone
	@./scripts/setup compose
	@REDLINE_STACK=1 $(BIN)/python -m pytest tests/compose $(ARGS)

bench: ## the load engine beside wrk, h2load, k6 and Locust, and beside a server's own log
	@./scripts/setup bench
	@$(BIN)/python -m loadtests.bench $(ARGS)

sanitize: ## the engine's tests under ASan and UBSan, its threads under TSan
	@./scripts/setup sanitize
	@./scripts/sanitize

fuzz: ## fuzz what parses bytes from the network, all fuzzers at once for FUZZ_SECONDS (60)
	@./scripts/setup fuzz
	@./scripts/fuzz

lint: setup ## ruff, mypy --strict, the import arrows, Prometheus' rules and alerts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@promtool check config --syntax-only $(PROMETHEUS)/local.yml $(PROMETHEUS)/compose.yml
	@promtool check rules $(PROMETHEUS)/rules.yml $(PROMETHEUS)/alerts.yml
	@promtool test rules $(PROMETHEUS)/tests.yml

clean: ## remove what was built and installed here; results stay
	rm -rf .venv build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

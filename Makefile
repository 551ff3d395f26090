# Everything a person needs: `make run`, `make test`; `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
BIN := .venv/bin

# An index with CPU wheels of torch, to install 0.2 GB instead of 5:
#   make run TORCH_INDEX=<url>
TORCH_INDEX ?=
INDEX := $(if $(TORCH_INDEX),--index $(TORCH_INDEX) --index-strategy unsafe-best-match)
INSTALL := $(UV) pip install --quiet --python .venv --constraint constraints.txt $(INDEX)

# Words for the command: make run ARGS="path/to/comments.jsonl --limit 3000"
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run worker test test-all check bench bench-peers kafka torture dashboards contracts constraints setup setup-dev setup-all up down clean

help: ## List what there is to make.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: .venv/.run ## Set up, run the sample discussion (or ARGS="PATH") from door to door, print the summary.
	@$(BIN)/groundswell demo $(ARGS)

test: .venv/.dev ## Set up and run the tests that need only Python.
	$(BIN)/python -m pytest $(ARGS)

test-all: setup-all ## What `make test` leaves out: a real Kafka, Prometheus and Chromium; none may be skipped.
	$(BIN)/python -m pytest --all -m "kafka or prometheus or browser" $(ARGS)

check: .venv/.dev ## Linters, types, what is generated is up to date, known vulnerabilities.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m tests.support.audit_dependencies

bench: .venv/.dev ## Rates, latencies and memory by stage and end to end, beside the bare encoder.
	$(BIN)/python -m tests.benchmarks $(ARGS)

bench-peers: .venv/.dev ## Quality and rate beside BERTopic and River on the same vectors.
	$(INSTALL) --group peers
	$(BIN)/python -m tests.benchmarks.peers_bench $(ARGS)

kafka: .venv/.dev ## Start a real Kafka node of the pinned version in a temporary folder; Ctrl-C stops it.
	$(BIN)/python -m tests.support.kafka $(ARGS)

torture: setup-all ## Kill workers a hundred times under load and audit what came out.
	$(BIN)/python -m pytest --all -m torture tests/road/test_torture.py $(ARGS)

dashboards: .venv/.dev ## Write Grafana's dashboards anew.
	$(BIN)/groundswell dashboards

contracts: .venv/.dev ## Write AsyncAPI and the JSON Schemas anew.
	$(BIN)/python -m streams.contracts

constraints: ## Resolve all versions anew.
	$(UV) pip compile pyproject.toml --group dev --python-version 3.11 --quiet --no-header --no-annotate -o constraints.txt

up: ## Kafka, workers, Prometheus and Grafana with Docker; SCALE=3 for three workers.
	docker compose up --build --detach --wait --scale worker=$(or $(SCALE),1)

down: ## Stop them.
	docker compose down

setup: .venv/.run ## Make the environment.
setup-dev: .venv/.dev ## Make it with what tests and linters need.

setup-all: .venv/.dev ## Bring what test-all needs besides Python: Kafka's jars, Prometheus, Chromium, npm packages.
	bash tests/support/setup-all

.venv/.run: pyproject.toml constraints.txt | $(filter .uv/%,$(UV))
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv
	$(INSTALL) --editable .
	@touch $@

.venv/.dev: .venv/.run
	$(INSTALL) --group dev
	@touch $@

.uv/bin/uv:
	$(PYTHON) -m venv .uv
	.uv/bin/pip install --quiet uv

clean: ## Remove the environment and what was fetched.
	rm -rf .venv .uv .cache

# Needs make, Python 3.11 or later and a package registry; nothing else.
#
#   make plan            set up, then plan examples/frontier-lab.yaml on the embedded market
#   make test            set up, then every check: format, lint, types, imports, spelling, tests
#   make bench SIZE=M    measure the optimizer on a drawn fleet (S to XXL; REGIME, RULES, OFFERS)
#   make bench-commands  measure the commands people wait for (SIZE=S: quick ones, M: a fleet too)
#   make clean           remove everything that make made
#
# SPEC=FILE plans another spec; PYTHON=/path/to/python names the interpreter to use.

SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
SPEC ?= examples/frontier-lab.yaml
SIZE ?= M
REGIME ?= normal
RULES ?= all
# One more than two cores: some tests wait for a clock.
WORKERS ?= 3
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
SOURCES := broker providers solver tools benchmarks tests examples
CODE_NEWER_THAN_3_10 := import sys; sys.exit(sys.version_info < (3, 11))

.PHONY: help plan test check bench bench-commands clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | head -9

# Unmet demand (3) is an answer too: the plan has been printed and says what is missing.
plan: $(VENV)/installed
	@$(BIN)/broker plan $(SPEC) || test $$? -eq 3

test: $(VENV)/installed-dev
	@$(MAKE) --no-print-directory check

check:
	$(BIN)/ruff format --check --quiet $(SOURCES)
	$(BIN)/ruff check --quiet $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell $(SOURCES) docs *.md Makefile setup.cfg pyproject.toml
	$(BIN)/python -m pytest -n $(WORKERS)

bench: $(VENV)/installed-bench
	$(BIN)/python -m benchmarks $(SIZE) --regime $(REGIME) --rules $(RULES) $(if $(OFFERS),--offers $(OFFERS))

bench-commands: $(VENV)/installed-dev
	$(BIN)/python -m benchmarks.commands $(SIZE)

$(VENV)/created:
	@python=; for name in $(PYTHON) python3 python3.13 python3.12 python3.11 python; do \
	  if "$$name" -c '$(CODE_NEWER_THAN_3_10)' 2>/dev/null; then python=$$name; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "Python 3.11 or later is needed; found: $$(python3 --version 2>&1 | tail -1)." >&2; \
	  echo "Install it, or name one: make PYTHON=/path/to/python3.11 plan" >&2; exit 1; \
	fi; \
	echo "creating $(VENV) with $$("$$python" --version)" >&2; \
	"$$python" -m venv $(VENV)
	@touch $@

$(VENV)/installed: $(VENV)/created setup.cfg pyproject.toml
	@echo "installing the package (a minute or two, once)" >&2
	@$(PIP) --editable .
	@touch $@

$(VENV)/installed-dev: $(VENV)/created setup.cfg pyproject.toml
	@echo "installing the package and its checks (a minute or two, once)" >&2
	@$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/installed

$(VENV)/installed-bench: $(VENV)/created setup.cfg pyproject.toml
	@echo "installing the package and what benchmarks compare it with (a minute or two, once)" >&2
	@$(PIP) --editable '.[bench,dev]'
	@touch $@ $(VENV)/installed-dev $(VENV)/installed

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	  .import_linter_cache
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

# Everything happens in .venv: nothing is installed by hand, nothing outside this folder is touched.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
CONSTRAINTS ?= constraints.txt
SUITE ?= suites/long_deps.yaml

.PHONY: run test test-thorough test-all soak bench clean

run: .venv/installed
	$(BIN)/rnnbench run $(SUITE)
	$(BIN)/rnnbench report $(SUITE)
	@echo "next: . $(BIN)/activate, and rnnbench is a command: rnnbench report -o page.html, rnnbench init mine.yaml"

test: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -q -n auto --dist loadfile --no-loadscope-reorder --durations=25

test-thorough: .venv/installed-dev
	$(BIN)/pytest -q -n auto --dist loadfile --no-loadscope-reorder -m thorough

test-all: test test-thorough
	$(BIN)/pytest -q -m mutants
	RNNBENCH_SLOW=1 $(BIN)/pytest -q -m 'not mutants' tests/test_check.py tests/test_wheel.py

soak: .venv/installed-dev
	RNNBENCH_SOAK=1 $(BIN)/pytest -q -m 'not mutants' tests/faults
	$(BIN)/python -m tests.soak

bench: .venv/installed-dev
	$(BIN)/python -m benchmarks

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("rnnbench needs Python 3.11 or newer, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv

.venv/installed: pyproject.toml $(CONSTRAINTS) | .venv/bin/python
	$(PIP) install --constraint $(CONSTRAINTS) --editable .
	touch $@

.venv/installed-dev: pyproject.toml $(CONSTRAINTS) | .venv/bin/python
	$(PIP) install --constraint $(CONSTRAINTS) --editable '.[dev]'
	touch .venv/installed $@

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache
	find rnnbench tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

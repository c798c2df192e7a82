# `make demo` and `make test` need Python 3.11 or newer, make, and a network to the package index; nothing else.

PYTHON ?= python3
BIN := .venv/bin
export PYTHONHASHSEED ?= 0
# Each of the many processes of a sweep would compile torch and the rest anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: all demo test faults check docs lock bench bench-gpu gpu test-conformance chaos smoke-lowest clean

all: .venv/installed

.venv/installed: requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv
	grep -A99 '^uv==' requirements.txt | awk '{print} !/\\$$/ {exit}' >.venv/uv.txt
	$(BIN)/pip install --quiet --require-hashes -r .venv/uv.txt
	$(BIN)/uv pip sync --quiet --require-hashes requirements.txt --python $(BIN)/python
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable . --python $(BIN)/python
	touch $@

demo: all
	$(BIN)/sweep launch studies/digits.yaml
	$(BIN)/sweep report digits

test: all
	$(BIN)/pytest -n 2 --dist worksteal -m "not faults and not slow"

# Real processes are killed, stopped and starved, whole studies and the peers run: slower, and apart from the rest.
faults: all
	$(BIN)/pytest -n 2 --dist loadfile -m "faults or slow"

test-conformance: all
	$(BIN)/pytest -m conformance

# The lowest versions that pyproject.toml allows, in an environment of their own.
smoke-lowest: all
	.ci/smoke-lowest

chaos: all
	SWEEP_CHAOS_FAULTS=200 $(BIN)/pytest tests/faults/test_chaos.py -s

check: all
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

# The pages of sweep/docs as a web site, in build/docs.
docs: all
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --config-file sweep/docs/site/mkdocs.yml

bench: all
	$(BIN)/python -m tests.benchmarks cpu

# The interpreter may be any that has torch: nothing is installed (tests/benchmarks/README.md).
bench-gpu:
	$(if $(wildcard $(BIN)/python),$(BIN)/python,$(PYTHON)) -m tests.benchmarks gpu

# First contact with a GPU: tests/gpu, the benchmarks and a study, in eight minutes; again: what is missing.
gpu:
	$(if $(wildcard $(BIN)/python),$(BIN)/python,$(PYTHON)) -m tests.first_contact

lock:
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
	  --group dev pyproject.toml -o requirements.txt

clean:
	rm -rf .venv build

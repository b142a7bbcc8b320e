# make demo   from nothing to a measured, sealed model and a report (needs Python 3.11+ and make)
# make test   the whole test suite
# make check  format, lint, strict types
# make env    only the environment, in .venv

PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check env

demo: .venv/demo.installed
	$(BIN)/googlenet demo

# One thread for each of two processes: OpenMP's threads wait by spinning, and would keep each other from the cores.
test: env
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist worksteal

check: env
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

env: .venv/dev.installed

.venv/%.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$(if $(filter demo,$*),torch$(comma)demo,$*)]'
	touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: $(PYTHON) is too old, 3.11 or newer is needed; name one with: make PYTHON=python3.12"; exit 2; }
	$(PYTHON) -m venv .venv

comma := ,

# From a clone to sound: `make demo`. Everything happens in .venv; PYTHON names another Python.
PYTHON ?= python3
JOBS ?= 2
BIN = .venv/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check
INSTALL = $(PIP) install --quiet -c constraints.txt --build-constraint constraints.txt

.PHONY: help setup complete demo test check bench docs clean

help:  ## show these lines
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:[^#]*##/ /' | awk '{n = $$1; $$1 = ""; printf "  make %-9s%s\n", n, $$0}'

setup: .venv/.setup  ## make .venv with all that playing and training need

complete: .venv/.complete  ## add the extras and the tools that tests, checks and docs need

demo: setup  ## a morph, a blend and a song in out/demo/
	$(BIN)/timbrel demo

test: complete  ## every test: unit, slow, doctests, the examples, the documents' own code
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile

check: complete  ## format, lint, types, and which room may import which
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports

bench: complete  ## measure everything and write bench/results (QUICK=1: a smaller sample)
	@set -e; for bench in bench/[!_]*.py; do echo "== $$bench"; \
	  $(BIN)/python $$bench $(if $(QUICK),--quick); done

docs: complete  ## pictures and tables from code and figures, then the site in site/
	$(BIN)/python docs/draw_architecture.py
	$(BIN)/python docs/make_tables.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

clean:  ## remove .venv and everything built
	rm -rf .venv site dist build

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "timbrel needs Python 3.11 or newer; got `$(PYTHON) --version`: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(PIP) install --quiet --upgrade "pip>=25.3"

# tinysoundfont asks for pyaudio, which has no wheel; timbrel never plays through it.
.venv/.setup: pyproject.toml constraints.txt | .venv/bin/python
	$(INSTALL) -e .
	$(INSTALL) --no-deps tinysoundfont
	@touch $@

.venv/.complete: .venv/.setup
	$(INSTALL) -e '.[amsynth,crepe,live,trackers,vital]' --group dev --group docs
	@touch $@

# Everything runs in .venv, which is created once and renewed when pyproject.toml or constraints.txt change.
#   make run        Pb-Pb 5.02 TeV from hydrodynamics to R_AA, at LO and NLO; observables, report: all in runs/;
#                   with two processes, make run WORKERS=8 with eight
#   make test       the test suite            make test-slow  the physics checks that take minutes
#   make test-browser  the pages in headless Chromium, which must be installed
#   make check      lint, format, types, import layers
#   make docs       the documentation, in docs/_build/html; make linkcheck tries its links to other sites
#   make validation the tests behind docs/validation.md, and what they found
#   make figures    the figures of README and documentation, after make run; needs Chromium
#   make bench-peers  time to a given error beside QuTiP and dynamiqs: docs/peers.md
#   make bench      the benchmarks            make clean      remove the environment and the caches
#   make bench-paper  the tests of the QTraj 1.0 paper, docs/paper.md; goes on where it was interrupted
#   make dist       wheel and source distribution, tested in empty environments; make smoke: the wheel alone
#   make test-oldest  the wheel with the oldest allowed versions; make release-notes: what CHANGELOG.md will say

PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 2
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: run figures test test-slow test-browser check docs linkcheck validation bench bench-peers bench-paper clean dist smoke test-oldest release-notes

run: $(VENV)/.installed
	$(BIN)/qtraj run examples/pbpb_5020.toml examples/pbpb_5020_nlo.toml --executor local --workers $(WORKERS)
	@export OMP_NUM_THREADS=1 NPROC=1; $(BIN)/qtraj report runs/pbpb_5020 & report=$$!; \
	$(BIN)/qtraj observe runs/pbpb_5020 --out runs/pbpb_5020/observables && wait $$report

figures: $(VENV)/.installed-dev
	$(BIN)/qtraj run examples/pbpb_5020.toml examples/pbpb_5020_htl.toml --executor local --workers $(WORKERS)
	$(BIN)/qtraj run examples/pbpb_5020.toml examples/pbpb_5020_nlo.toml examples/pbpb_5020_all.toml --executor local --workers $(WORKERS)
	$(BIN)/qtraj infer examples/infer_pbpb_5020.toml --executor local --workers $(WORKERS)
	$(BIN)/qtraj infer examples/infer_pbpb_5020_orders.toml --executor local --workers $(WORKERS)
	$(BIN)/python tools/make_figures.py

# two processes on two cores; OMP_NUM_THREADS and NPROC (read by XLA) keep each to one
test: $(VENV)/.installed-dev
	OMP_NUM_THREADS=1 NPROC=1 $(BIN)/python -m pytest -W error -n 2 --dist loadfile --durations 15

test-slow: $(VENV)/.installed-dev
	OMP_NUM_THREADS=1 NPROC=1 $(BIN)/python -m pytest -W error -m slow -n 2 --dist loadfile --durations 15

test-browser: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -W error -m browser tests/browser

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_architecture.py

docs: $(VENV)/.installed-docs
	$(BIN)/python -m sphinx -W --keep-going -n -q docs docs/_build/html
	@echo "open docs/_build/html/index.html"

linkcheck: $(VENV)/.installed-docs
	$(BIN)/python -m sphinx -b linkcheck -q docs docs/_build/linkcheck

validation: $(VENV)/.installed-dev
	$(BIN)/python tools/make_validation.py

bench: $(VENV)/.installed-dev
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python "$$script" || exit 1; done

bench-peers: $(VENV)/.installed-peers
	$(BIN)/python benchmarks/peers/run.py

bench-paper: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/paper/run.py all

dist: $(VENV)/.installed-release
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/python -m twine check --strict dist/*
	$(BIN)/python packaging/check_dist.py contents
	$(BIN)/python packaging/check_dist.py smoke dist/*.whl --constraint constraints.txt
	$(BIN)/python packaging/check_dist.py smoke dist/*.tar.gz
	$(BIN)/python packaging/check_dist.py types dist/*.whl

smoke: $(VENV)/.installed-release
	rm -rf dist
	$(BIN)/python -m build --wheel
	$(BIN)/python packaging/check_dist.py smoke dist/*.whl --constraint constraints.txt

test-oldest: $(VENV)/.installed-release
	rm -rf dist
	$(BIN)/python -m build --wheel
	$(BIN)/python packaging/check_dist.py smoke dist/*.whl --constraint packaging/oldest.txt --old

release-notes: $(VENV)/.installed-release
	$(BIN)/towncrier build --draft

clean:
	rm -rf $(VENV) dist build docs/_build docs/_generated docs/api/generated .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing qtraj into $(VENV)"
	@$(INSTALL) --editable ".[fftw,campaign]"
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing qtraj with its test and lint tools into $(VENV)"
	@$(INSTALL) --editable ".[fftw,campaign,app,infer,test,lint]"
	@touch $(VENV)/.installed $@

$(VENV)/.installed-docs: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing qtraj and what builds its documentation into $(VENV)"
	@$(INSTALL) --editable ".[fftw,campaign,docs]"
	@touch $(VENV)/.installed $@

$(VENV)/.installed-release: $(VENV)/.installed-dev
	@echo "Installing the tools of a release into $(VENV)"
	@$(INSTALL) --editable ".[release]"
	@touch $@

$(VENV)/.installed-peers: $(VENV)/.installed-dev
	@echo "Installing the programs to compare with into $(VENV)"
	@$(INSTALL) --editable ".[peers]"
	@touch $@

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "qtraj needs Python 3.11 or newer, but '$(PYTHON)' was not found. Name one: make PYTHON=/path/to/python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "qtraj needs Python 3.11 or newer, but '$(PYTHON)' is $$($(PYTHON) -V 2>&1). Name a newer one: make PYTHON=/path/to/python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "'$(PYTHON) -m venv' failed; on Debian and Ubuntu the package python3-venv provides it." >&2; rm -rf $(VENV); exit 1; }

# One word for each job. The same commands, for machines without make, are in README.md.
PYTHON ?= python3
# On Windows (Git Bash): make BIN=.venv/Scripts DEMO_BIN=.venv-demo/Scripts PYTHON=python
BIN ?= .venv/bin
DEMO_BIN ?= .venv-demo/bin

# mkdocs-material's advertisement of its successor is no warning of ours.
export NO_MKDOCS_2_WARNING = 1

.PHONY: help demo test check check-doors programs check-all bench docs wheel clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort

demo:  ## restore the noisy picture in examples/ (own environment, no torch)
	$(PYTHON) -m venv .venv-demo
	$(DEMO_BIN)/python -m pip install --quiet --constraint constraints.txt .
	$(DEMO_BIN)/python examples/demo.py

.venv/ready: pyproject.toml packages/sfumato-models/pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[train,media,serve,redis,cluster,dev,docs]' --editable packages/sfumato-models
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-deps spandrel einops
	@touch .venv/ready

# A worker for each core, each with one thread of torch; the tests of a file share what they made. In the order of
# tests/conftest.py: files of a few long tests, which would come last otherwise and leave a core idle, begin.
# What trains does so in float32; `make test SFUMATO_PRECISION=bf16` has it train in bfloat16, on any CPU.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

test: .venv/ready  ## the fast tests
	$(PYTEST) $(PYTEST_ARGS)

check: .venv/ready  ## format, lint, types, imports, documentation, fast tests: what CI runs
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/mkdocs build --strict --quiet
	$(PYTEST) $(PYTEST_ARGS)

check-doors: .venv/ready programs  ## what installs and trains as a user does, and all that trains in bfloat16: CI runs it after check
	$(PYTEST) -m "doors and not slow"
	SFUMATO_PRECISION=bf16 $(PYTEST) tests/learn/training

programs:  # that the tests of the doors need: Debian's Chromium, since Playwright's own is a download from elsewhere
	@{ command -v chromium && command -v redis-server; } >/dev/null || { apt-get update --quiet && apt-get install --yes --quiet chromium fonts-noto-cjk redis-server; }

check-all:  ## everything in check, with the slow tests
	$(MAKE) check PYTEST_ARGS="-m 'slow or doors or not slow'"

# Those that say in their first line that data sets are all they need; the others want a model, or a place to write.
MEASURES = $(shell grep -lE 'bench_[a-z_]+\.py (DATA|\[DATA\])(`| \[)' benchmarks/bench_*.py)

bench: .venv/ready  ## the measurements behind the documentation: make bench DATA=folder-of-data-sets
	@test -n "$(DATA)" || { echo "Say where the data sets are: make bench DATA=folder (the programs say which)."; exit 2; }
	$(BIN)/python -m pip install --quiet --constraint constraints.txt h5py opencv-python-headless
	@for program in $(MEASURES); do echo "== $$program"; PYTHONPATH=tools $(BIN)/python $$program "$(DATA)" || exit 1; done

docs: .venv/ready  ## the documentation site in site/
	$(BIN)/mkdocs build --strict

wheel: .venv/ready  ## the two wheels in dist/
	$(BIN)/python -m build --wheel --no-isolation
	$(BIN)/python -m build --wheel --no-isolation --outdir dist packages/sfumato-models

clean:  ## remove what the other targets made
	rm -rf .venv .venv-demo build dist site demo-output

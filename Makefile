# `make help` says what there is. Every target makes the environment first if it is missing or out of date.

PYTHON ?= python3
PORT ?= 8888

# Commands of the environment see its other commands (nbgrader looks for alembic on the PATH). `env` itself does not.
WITHIN := PATH="$(CURDIR)/.venv/bin:$$PATH"

.DEFAULT_GOAL := help
.PHONY: help env demo test bench audit lint exercises notebook clean

help:                ## what there is
	@sed -n 's/^\([a-z]*\): .*## /\1|/p' Makefile | awk -F'|' '{printf "  make %-10s %s\n", $$1, $$2}'

env:                 ## make the private environment, .venv
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON): install Python 3.11 or newer, or say which: make env PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) tools/environment.py

UNIT ?= kl_divergence

demo: env            ## grade a made-up class end to end
	@$(WITHIN) dlvm demo $(UNIT)

# Two processes on two cores, so each gets one thread: torch would otherwise start as many as there are cores, in both.
# A file's tests stay together: what they share, such as a graded class, is then made once.
test: env            ## run every test
	@$(WITHIN) OMP_NUM_THREADS=1 python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

bench: env           ## measure what the README states
	@$(WITHIN) python tools/bench.py

SEEDS ?= 200

audit: env           ## grade the grader over 200 seeds, and keep what was found in docs/audit/
	@$(WITHIN) dlvm audit --seeds $(SEEDS) --record docs/audit

lint: env            ## ruff and pyright
	@$(WITHIN); ruff check . && ruff format --check . && pyright

exercises: env       ## generate exercises/ from solutions/
	@$(WITHIN) dlvm release

notebook: env        ## open the exercises in JupyterLab
	@$(WITHIN) jupyter lab --port $(PORT) exercises

clean:               ## remove what tools leave behind (.venv stays)
	@rm -rf build dist demo .pytest_cache .ruff_cache .hypothesis
	@find . -path ./.venv -prune -o -name __pycache__ -type d -exec rm -rf {} +

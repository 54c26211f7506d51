# Xiaoer 店小二. `make demo` is the shortest way to see it; `make test` and `make check` before a change.
PYTHON ?= python3
PORT ?= 8090
CONFIG ?= config.toml
BIN := .venv/bin
# Tests wait for services as much as they compute: four workers fill two cores.
WORKERS ?= 4

# Services that tests start would else compile every module anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install demo run test check bench soak screenshots format lock

help:
	@echo "make demo [PORT=8090] | run [CONFIG=config.toml] | test | check | bench | soak | screenshots | format | lock"

install: .venv/installed

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11"; exit 1; }
	@echo "正在安装依赖，约两三分钟… / Installing what it needs: two or three minutes…"
	@$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements.lock
	@$(BIN)/python -m compileall -qq -j 0 .venv/lib bot storage || true  # on all cores, unlike pip
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

demo: install
	@$(BIN)/xiaoer demo --port $(PORT)

run: install
	@$(BIN)/xiaoer run --config $(CONFIG)

test: install
	$(BIN)/pytest --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/codespell
	$(BIN)/python -m storage.migrate check

bench: install
	$(BIN)/python -m bench

soak: install
	$(BIN)/pytest -m soak

screenshots: install
	$(BIN)/python -m tests.browser.screenshots docs/images

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock:
	uv pip compile pyproject.toml --group dev --universal --generate-hashes --no-header \
	  --no-emit-index-url --quiet --output-file requirements.lock

# Two commands for a newcomer: `make demo` makes a map, `make test` tries everything.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# Networks with certificates of their own keep them with the system.
export UV_SYSTEM_CERTS ?= 1
# Processes that share the files of tests; each starts its own servers.
WORKERS ?= 2
SPREAD  := -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: demo test test-fast fuzz mutants up check format lock licences bench bench-full services servers clean

demo: $(STAMP)          ## simulate two tiles and make their map, through Airflow
	$(BIN)/landcover demo

test: $(STAMP)          ## run all tests that this machine allows; what was left out is listed
	$(BIN)/python -m pytest $(SPREAD)

test-fast: $(STAMP)     ## before every commit: no servers, no Airflow, no whole chains
	$(BIN)/python -m pytest -q -m "not slow" --ignore tests/airflow $(SPREAD)

fuzz: $(STAMP)          ## readers on thousands of changed files, other ones each time (FUZZ=20000: more)
	LANDCOVER_FUZZ_EXAMPLES=$(or $(FUZZ),3000) $(BIN)/python -m pytest -q tests/fuzz

up: $(STAMP)            ## Airflow with its web page
	$(BIN)/landcover up --workspace demo/workspace

check: $(STAMP)         ## style, types, architecture, citations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_architecture.py tests/test_docs.py

format: $(STAMP)        ## write the style instead of checking it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP)         ## seconds, CPU and peak memory of the demo, stage by stage
	$(BIN)/landcover bench demo

bench-full: $(STAMP)    ## whole tiles of 10,980 x 10,980 px: hours, and tens of GB of disk
	for name in decode composite terrain kernels samples train explain predict mosaic; do \
	    $(BIN)/landcover bench $$name --full || exit 1; \
	done

lock: $(STAMP)          ## resolve the lock anew
	$(BIN)/uv pip compile --universal --python-version 3.11 --extra airflow --extra bench --extra postgres --extra masks-onnx --extra dev \
	    --custom-compile-command "make lock" pyproject.toml -o requirements.txt

mutants: $(STAMP)       ## which of 300 small changes no test notices: hours (MUTANTS=20: fewer)
	$(BIN)/uv run --quiet --no-project --with cosmic-ray==8.7.0 python tests/mutants.py \
	    --count $(or $(MUTANTS),300)

licences: $(STAMP)      ## write the table of docs/licences.md anew
	$(BIN)/python docs/licences.py

services: $(STAMP)      ## an S3 server and one of the MongoDB protocol, until Ctrl-C
	PYTHONPATH=tests $(BIN)/python -m servers

servers: $(STAMP)       ## build the servers that tests of the real stores need
	PYTHONPATH=tests $(BIN)/python -c "import servers; servers.build(servers.S3); servers.build(servers.DOCUMENTS)"

clean:                  ## remove what demo and tests left
	rm -rf demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(STAMP): requirements.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.5"
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -r requirements.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	touch $@

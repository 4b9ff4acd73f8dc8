# Two commands do everything a newcomer needs: `make fuzz` and `make test`.
# Each makes .venv on first use; nothing has to be installed by hand but Python >= 3.11.

PYTHON ?= python3
PY := .venv/bin/python
RUN := .venv/bin/replayfuzz
FUZZ_TIME ?= 35s
FUZZ_JOBS ?= 2
FUZZ_ARGS ?=

# Daemons: FORMAT=human|tap|json|junit, CATEGORY=basic|unicode|…, TEST_ARGS for anything else.
FORMAT ?= human
CATEGORY ?= all
TEST_ARGS ?=
DAEMONS := rust go python uring php-amp php swoole swow

.PHONY: help fuzz test check fmt lint types cover wheel bench bench-bugs bench-faults matrix list clean
.PHONY: test-daemons test-category $(DAEMONS:%=test-%)

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16
	@echo "test-DAEMON     … one of them: $(DAEMONS)"

# -- set-up ----------------------------------------------------------------------------

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "replayfuzz needs Python >= 3.11; $(PYTHON) is older. Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv .venv

# pip >= 25.1 knows dependency groups.
.venv/clients: pyproject.toml | .venv/bin/python
	$(PY) -m pip install --quiet --disable-pip-version-check 'pip>=25.1'
	$(PY) -m pip install --quiet --disable-pip-version-check -e '.[clients]'
	@touch $@

.venv/dev: pyproject.toml .venv/clients
	$(PY) -m pip install --quiet --disable-pip-version-check --group dev
	@touch $@

# -- the main job ----------------------------------------------------------------------

fuzz: .venv/clients ## fuzz the installed client libraries on the shipped cassettes
	@echo "Fuzzing the installed clients for $(FUZZ_TIME); findings follow as they are made."
	@$(RUN) fuzz --time $(FUZZ_TIME) --jobs $(FUZZ_JOBS) $(FUZZ_ARGS); code=$$?; \
	  if [ $$code -eq 1 ]; then \
	    echo "Findings are what the run was for: this is success."; \
	    echo "The command replayfuzz is $(RUN), or: source .venv/bin/activate"; \
	  elif [ $$code -ne 0 ]; then exit $$code; fi

list: .venv/clients ## what can be fuzzed, with which streams, and the scenarios for daemons
	@$(RUN) list targets
	@$(RUN) list cassettes
	@$(RUN) list scenarios

# -- daemons ---------------------------------------------------------------------------

test-daemons: .venv/clients ## put every streaming daemon through the scenarios
	@$(RUN) test --category $(CATEGORY) --format $(FORMAT) $(TEST_ARGS)

# The same, with the category named: make test-category CATEGORY=unicode
test-category: test-daemons ## … through those of CATEGORY only

# `make test-rust`, `test-go`, …: one daemon; skipped is an error here, as it was asked for.
$(DAEMONS:%=test-%): test-%: .venv/clients
	@$(RUN) test --target $* --category $(CATEGORY) --format $(FORMAT) $(TEST_ARGS)

# -- the gate --------------------------------------------------------------------------

check: lint types cover wheel ## everything that must pass before a merge

test: .venv/dev ## the whole test suite
	$(PY) -m pytest -q -n 2

fmt: .venv/dev ## format in place
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

lint: .venv/dev ## format and lint, without changing anything
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .

types: .venv/dev ## mypy --strict
	$(PY) -m mypy

cover: .venv/dev ## the test suite with branch coverage and its floor
	rm -f .coverage .coverage.*
	$(PY) -m coverage run -m pytest -q
	$(PY) -m coverage combine --quiet
	$(PY) -m coverage report --skip-covered --fail-under=$(COVERAGE_FLOOR)

# The floor only rises.
COVERAGE_FLOOR ?= 90

wheel: .venv/dev ## build sdist and wheel, install the wheel where nothing else is, run it
	rm -rf dist build
	$(PY) -m build --quiet
	$(PYTHON) -m venv build/smoke
	build/smoke/bin/python -m pip install --quiet --disable-pip-version-check dist/*.whl
	cd build && smoke/bin/python -c "import replayfuzz.strategies, replayfuzz.targets"
	cd build && smoke/bin/replayfuzz list cassettes >/dev/null
	cd build && smoke/bin/replayfuzz fuzz --target reference --examples 200 --findings smoke/findings

# -- measuring -------------------------------------------------------------------------

bench: .venv/dev ## every benchmark of the project as one table of ratios
	$(PY) -m benchmarks

bench-bugs: .venv/dev ## known bugs of real releases: found on bad, silent on fixed; then what rivals find
	$(PY) -m benchmarks.knownbugs; code=$$?; $(PY) -m benchmarks.rivals; exit $$code

bench-faults: .venv/dev ## faults planted in a streaming daemon: found, minimal, replayed
	$(PY) -m benchmarks.faults $(FAULTS)

matrix: .venv/dev ## every client of every language at its newest release: docs/matrix.md
	mkdir -p build
	$(RUN) fuzz --all --time $(MATRIX_TIME) --seed 0 --jobs $(FUZZ_JOBS) --findings build/matrix \
	  --format json -o build/matrix.json || test $$? -eq 1
	$(PY) -m benchmarks.matrix build/matrix.json --write

MATRIX_TIME ?= 20m

clean: ## remove what make made
	rm -rf .venv dist build findings .coverage .coverage.*

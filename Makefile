# Two commands do everything: `make lab` (a fleet of six hosts, deployed) and `make test` (the proof of all of it).
PYTHON ?= python3
# Docker Engines that the hosts of the tests' lab take in turn (docs/engines.md); empty for Debian's alone.
export ENGINES ?= 20.10,26.1,28.5,newest
VENV ?= .venv
BIN := $(VENV)/bin
export PATH := $(abspath $(BIN)):$(PATH)

.PHONY: lab lab-down demo demo-down test test-long test-machine test-pythons check unit unit-deploy unit-others integration e2e docs clean

lab: $(VENV)/installed
	rollcall lab up
	rollcall deploy inventories/lab.py

lab-down: $(VENV)/installed
	rollcall lab down

# The same on this machine alone, with its own engine.
demo: $(VENV)/installed
	rollcall lab images --for-demo
	rollcall deploy inventories/single.py
	@echo "The demo: http://127.0.0.1:8081/"

demo-down: $(VENV)/installed
	rollcall remove --yes inventories/single.py
	rollcall lab images --remove-demo

# Cheap checks first; the last part ends with the lab taken down and a look at what is left.
test: check unit integration e2e

check: $(VENV)/installed
	ruff check .
	ruff format --check .
	mypy
	mypy bench
	lint-imports

unit: $(VENV)/installed
	@# pyinfra's command line patches the sockets and threads of its whole process, pytest-xdist's too: one of its own, beside.
	$(MAKE) --no-print-directory --jobs=2 --output-sync=target unit-deploy unit-others

unit-deploy:
	pytest tests/unit/deploy

unit-others:
	pytest tests/unit --ignore=tests/unit/deploy -n 2

# The unit tests by other Pythons, each with a virtual environment of its own outside the checkout.
PYTHONS ?= python3.12 python3.13
test-pythons:
	for python in $(PYTHONS); do \
	  $(MAKE) unit PYTHON=$$python VENV=$${XDG_CACHE_HOME:-$$HOME/.cache}/rollcall/venv-$$(basename $$python) || exit 1; \
	done

integration: $(VENV)/installed
	rollcall lab images
	pytest tests/integration --ignore=tests/integration/resolver --ignore=tests/integration/firewalls -m "not long" -n 2

# From nothing: a lab that another checkout deployed has that one's secrets, and a deploy from here rightly refuses it.
e2e: $(VENV)/installed
	rollcall lab down
	pytest tests/e2e/lab
	pytest tests/e2e/fleet -m "not long"
	pytest tests/e2e/teardown

# A unit test fails while this is not done.
docs: $(VENV)/installed
	rollcall settings --markdown > docs/settings.md

# Sudo, interrupts, hosts that have nothing, other writers of resolv.conf, firewalls: too long for `make test` and CI.
test-long: $(VENV)/installed
	rollcall lab images
	pytest tests/integration/resolver tests/integration/firewalls
	pytest tests/integration -m long
	rollcall lab down
	pytest tests/e2e/fleet -m long --verify-after=file
	pytest tests/e2e/long
	pytest tests/e2e/teardown

# Real Debian machines in QEMU, emulated: too slow for `make test` and CI.
test-machine: $(VENV)/installed
	@# Each test builds on the one before.
	pytest tests/machine -x

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info

# On Debian venv is a package of its own; anywhere else its absence is said by Python itself.
$(VENV)/installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "rollcall needs Python 3.11 or newer: make PYTHON=python3.13 …")'
	$(PYTHON) -m venv $(VENV) || { apt-get install -y python3-venv && $(PYTHON) -m venv $(VENV); }
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@# pyinfra writes no bytecode, and would compile all of rollcall anew in every run.
	$(BIN)/python -m compileall -q rollcall
	touch $@

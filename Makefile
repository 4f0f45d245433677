# All that a fresh clone needs is Python 3.11 or newer with its venv module, and make.
#
#   make demo     two simulated marketplace accounts, a simulated shop and the daemon between them
#   make test     the tests
#   make check    style, types and layers
#   make bench    the speed of this machine, as ratios to bare scripts
#   make docs     write again the pages that are made from the code, and what is proved of each plugin
#   make texts    the catalogues of what people read, compiled from their sources after a change
#   make screenshots  each page of the dashboard as a picture, in build/screenshots; needs Chromium
#   make clean    remove all that was made here
#   make install  as root: install the daemon as a service of this machine
#   make uninstall  as root: take it away again, and leave its configuration and its data
#
# What is installed goes into .venv and nowhere else; a stamp for each set of packages makes the second run fast.

PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

# The number of processes that test; `make test TESTS=tests/store JOBS=0` for a debugger.
JOBS ?= 2
TESTS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test check bench docs texts screenshots clean install uninstall files
.DELETE_ON_ERROR:

help:
	@sed -n 's/^#   //p' Makefile

demo: $(VENV)/.run
	$(BIN)/olhubd demo $(ARGS)

# Benchmarks have the machine to themselves, so they are a target of their own.
test: $(VENV)/.test
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup --ignore=tests/bench $(TESTS)

check: $(VENV)/.test $(VENV)/.check
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	PYTHONPATH=.:plugins:contrib/kit:contrib/torture $(BIN)/lint-imports

bench: $(VENV)/.test
	@for script in tests/bench/[a-z]*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

docs: $(VENV)/.test
	$(BIN)/python -m olhubd.config.reference docs/configuration.md
	$(BIN)/python -m tests.coverage_doc
	$(BIN)/python -m tests.model_doc
	$(BIN)/olhubd plugins --prove --record --tests tests/plugins --tests tests/contract

# The .mo files are kept in the repository, so that a clone and a wheel have them without a build step.
texts: $(VENV)/.run
	@for po in olhubd/text/locales/*/LC_MESSAGES/*.po plugins/*/locales/*/LC_MESSAGES/*.po; do \
		test ! -e $$po || $(BIN)/pybabel --quiet compile --input-file $$po --output-file $${po%.po}.mo || exit 1; done

screenshots: $(VENV)/.browser
	$(BIN)/python -m tests.control.dashboard.gallery build/screenshots

clean:
	rm -rf $(VENV) build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	rm -rf tests/e2e/vendure/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The program goes into a virtual environment of its own, for Debian keeps pip out of the system's; the rest goes where
# systemd looks. ROOT stages the files elsewhere, to look at them; a virtual environment works only where it was made. A
# configuration that is there stays as it is.
ROOT ?=
install: files
	$(PYTHON) -m venv $(ROOT)/opt/olhubd
	$(ROOT)/opt/olhubd/bin/python -m pip --disable-pip-version-check install --quiet .
	install -d $(ROOT)/usr/bin
	ln -sf /opt/olhubd/bin/olhubd $(ROOT)/usr/bin/olhubd
	systemd-sysusers --root=$(ROOT)/ $(ROOT)/etc/sysusers.d/olhubd.conf
	systemd-tmpfiles --root=$(ROOT)/ --create $(ROOT)/etc/tmpfiles.d/olhubd.conf
	@test -n '$(ROOT)' || systemctl daemon-reload

# What only this machine has stays: the configuration with its secrets, and the data of buyers. It is told where.
uninstall:
	@test -n '$(ROOT)' || systemctl disable --now olhubd.service 2>/dev/null || true
	rm -f $(ROOT)/etc/systemd/system/olhubd.service
	rm -f $(ROOT)/etc/sysusers.d/olhubd.conf $(ROOT)/etc/tmpfiles.d/olhubd.conf
	rm -f $(ROOT)/usr/bin/olhubd
	rm -rf $(ROOT)/opt/olhubd $(ROOT)/usr/share/doc/olhubd
	@test -n '$(ROOT)' || systemctl daemon-reload
	@echo 'Left as they are: /etc/olhubd (configuration, secrets), /var/lib/olhubd (orders, sign-ins, backups),'
	@echo 'the user olhubd, and what systemctl edit wrote. docs/operator.md, "Uninstall", says how to remove them too.'

files:
	install -D -m 644 etc/sysusers.d/olhubd.conf $(ROOT)/etc/sysusers.d/olhubd.conf
	install -D -m 644 etc/tmpfiles.d/olhubd.conf $(ROOT)/etc/tmpfiles.d/olhubd.conf
	install -D -m 644 etc/olhubd.service $(ROOT)/etc/systemd/system/olhubd.service
	install -D -m 644 -t $(ROOT)/usr/share/doc/olhubd docs/*.md CHANGELOG.md
	@test -e $(ROOT)/etc/olhubd/olhubd.toml || install -D -m 640 etc/olhubd.toml $(ROOT)/etc/olhubd/olhubd.toml

$(BIN)/python:
ifeq ($(PYTHON),)
	$(error Python 3.11 or newer was not found; name it with: make PYTHON=/path/to/python3.11)
endif
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo 'The venv module of $(PYTHON) is missing; on Debian and Ubuntu: apt-get install python3-venv' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# Only these files say what is installed: the packages needed, commands and simulators, and the versions. The demo runs on
# the kit, the tests on torture as well; neither is a part of what `make install` gives a seller's machine.
KIT := --editable contrib/kit
TORTURE := --editable contrib/torture
PROJECTS := pyproject.toml contrib/kit/pyproject.toml contrib/torture/pyproject.toml

$(VENV)/.run: $(PROJECTS) | $(BIN)/python
	$(PIP) --editable . $(KIT)
	@touch $@

$(VENV)/.test: $(PROJECTS) | $(BIN)/python
	$(PIP) --editable '.[test]' $(KIT) $(TORTURE)
	@touch $@ $(VENV)/.run

$(VENV)/.browser: $(PROJECTS) | $(BIN)/python
	$(PIP) --editable '.[test,browser]' $(KIT) $(TORTURE)
	@touch $@ $(VENV)/.test $(VENV)/.run

$(VENV)/.check: $(PROJECTS) | $(BIN)/python
	$(PIP) --editable '.[test,check]' $(KIT) $(TORTURE)
	@touch $@ $(VENV)/.test $(VENV)/.run

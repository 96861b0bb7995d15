# make train: set up, then train on the embedded data. make help: the rest.

VENV := .venv
EXTRAS := .venv-extras
LOCK := requirements.txt
RUN := $(VENV)/bin/python
STAMP := $(VENV)/.requirements-installed
# GPU=1 adds CUDA's libraries, in the versions that the locked TensorFlow asks
# for: without -c pip tries the newest first. What has them has a stamp of its
# own, which serves without GPU=1 too.
GPU ?=
CUDA := $(if $(filter-out 0,$(GPU)),-c $(LOCK) "tensorflow[and-cuda]")
PYTHON ?=
CANDIDATES := $(if $(PYTHON),"$(PYTHON)",python3.13 python3.12 python3.11 \
	python3.10 python3 python)
COMPILE := uv pip compile --universal --python-version 3.10 --no-header \
	--extra dev --extra docs
SUPPORTED := import sys, ensurepip, venv; \
	sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: setup environment packages extras play train test test-extras lint \
	format lock clean help

setup: ## Create .venv, install the lock and sagan_tf; GPU=1: CUDA's libraries
	@if ! { { $(if $(CUDA),,cmp -s $(LOCK) $(STAMP) ||) \
		cmp -s $(LOCK) $(STAMP)-cuda; } && \
		$(RUN) -c "$(SUPPORTED)" 2>/dev/null; }; then \
		$(MAKE) --no-print-directory environment packages; \
	fi

# A candidate may be on the PATH and not run, so each one is asked. A venv
# that was left half-made gets its pip or, beyond that, is made again in place.
environment:
	@if $(RUN) -c "" 2>/dev/null; then \
		$(RUN) -c "$(SUPPORTED)" 2>/dev/null || { \
			echo "$(VENV) holds $$($(RUN) --version), expected Python" \
				"3.10 to 3.13: remove $(VENV) and run make again" >&2; \
			exit 1; }; \
	fi
	@if ! { $(RUN) -m pip --version || $(RUN) -m ensurepip; } \
		>/dev/null 2>&1; then \
		for candidate in $(CANDIDATES); do \
			if "$$candidate" -c "$(SUPPORTED)" 2>/dev/null; then \
				echo "Creating $(VENV) with $$("$$candidate" --version)"; \
				exec "$$candidate" -m venv --clear $(VENV); \
			fi; \
		done; \
		echo "make needs Python 3.10 to 3.13 with its venv module; none of" \
			'$(CANDIDATES)' "is one: install it (on Debian and Ubuntu with" \
			"python3-venv) or give PYTHON=/path/to/python" >&2; \
		exit 1; \
	fi

# pip writes a package's INSTALLER after its files, yet takes a package without
# one for complete: what an interrupted run left is marked to be installed anew.
packages:
	@echo "Installing $(LOCK)$(if $(CUDA), and CUDA) into $(VENV)"
	@for package in $(VENV)/lib/python3*/site-packages/*.dist-info; do \
		if [ -d "$$package" ] && [ ! -e "$$package/INSTALLER" ]; then \
			echo "Completing $$(basename "$$package" .dist-info)"; \
			rm -rf "$$package"; \
		fi; \
	done
	@rm -f $(STAMP) $(STAMP)-cuda
	@$(RUN) -m pip install --disable-pip-version-check -r $(LOCK) $(CUDA)
	@$(RUN) -m pip install --disable-pip-version-check --quiet --no-deps \
		--no-build-isolation --editable .
	@cp $(LOCK) $(STAMP).new && mv $(STAMP).new $(STAMP)$(if $(CUDA),-cuda)

extras: ## The same with the playground and ONNX, in .venv-extras
	@$(MAKE) --no-print-directory setup VENV=$(EXTRAS) \
		LOCK=requirements-extras.txt

play: extras ## Serve a page to play with the weights that come along
	$(EXTRAS)/bin/python -m tools.playground

train: setup ## Train configs/twins32.py into runs/twins32, then score it
	$(RUN) -m sagan_tf.train --config=configs/twins32.py --workdir=runs/twins32
	$(RUN) -m sagan_tf.evaluate --workdir=runs/twins32

test: setup ## Check the style, then run every test
	$(RUN) -m ruff check .
	$(RUN) -m pytest

test-extras: extras ## Test the playground in a browser, ONNX, a manifest
	$(EXTRAS)/bin/python -m pytest tests_extras

lint: setup ## Check the style and the formatting
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

format: setup ## Format the sources and repair what ruff can repair
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

lock: ## Resolve pyproject.toml anew into both locks (needs uv)
	@command -v uv >/dev/null || { \
		echo "make lock needs uv: https://docs.astral.sh/uv" >&2; exit 1; }
	@{ head -n 1 requirements.txt && $(COMPILE) pyproject.toml; \
		} > requirements.txt.new || { rm -f requirements.txt.new; exit 1; }
	@mv requirements.txt.new requirements.txt
	@{ head -n 1 requirements-extras.txt && $(COMPILE) --extra playground \
		--extra onnx --extra browser --extra manifests \
		--constraint requirements.txt pyproject.toml | \
		grep -v -e '-c requirements.txt'; \
		} > requirements-extras.txt.new || \
		{ rm -f requirements-extras.txt.new; exit 1; }
	@mv requirements-extras.txt.new requirements-extras.txt

clean: ## Remove caches; environments and runs/ stay
	rm -rf .pytest_cache .ruff_cache .hypothesis *.egg-info build
	find . \( -path ./.git -o -path './.venv*' -o -path ./runs \) -prune -o \
		-name __pycache__ -type d -exec rm -rf {} +

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' \
		$(MAKEFILE_LIST)

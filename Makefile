# Builds, tests and shows everything; `make help` lists the targets. It needs Rust, CPython 3.10 or later with pip, and
# make; everything else goes into .venv and target.

PYTHON ?= python3
RUNTIMES := tokio async-std smol

# Another Python goes with another VENV and DIST, given as absolute paths to `make`.
VENV := $(CURDIR)/.venv
BIN := $(VENV)/bin
DIST := $(CURDIR)/dist

export CARGO_TARGET_DIR ?= $(CURDIR)/target
# Names this interpreter to PyO3's build script, with the very spelling that maturin uses: another one rebuilds PyO3.
export PYO3_PYTHON := $(BIN)/python

# Rust tests embed an interpreter. Its library has to be the one they were linked to, and `python3` on the path has to
# be the virtual environment's: that is how an embedded interpreter finds its standard library and the installed wheels.
LIBDIR = $(shell $(BIN)/python -c 'import sysconfig; print(sysconfig.get_config_var("LIBDIR"))')
EMBEDDED = PATH="$(BIN):$$PATH" LD_LIBRARY_PATH="$(LIBDIR)$${LD_LIBRARY_PATH:+:$$LD_LIBRARY_PATH}"

.SHELLFLAGS := -euc
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: help venv wheels install demo test lint-rust test-rust lint-python test-python conformance \
  reliability soak test-all-pythons instructions accept-instructions bench-rust bench-peers bench-redis example-awaitable example-template example-redis clean

say = @printf '\n==> %s\n' "$(1)"

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-19s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- The virtual environment -------------------------------------------------------------------------------------

TOOLS := $(VENV)/.tools

venv: $(TOOLS) ## Make .venv and put the development tools into it

# Where Python comes without ensurepip, the pip that runs $(PYTHON) installs the environment's own.
$(TOOLS): requirements-dev.txt
	$(call say,tools: a virtual environment with $(PYTHON))
	$(PYTHON) -m venv --clear $(VENV) \
	  || { $(PYTHON) -m venv --clear --without-pip $(VENV) && $(PYTHON) -m pip --python $(BIN)/python install pip; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	touch $@

# --- Wheels ------------------------------------------------------------------------------------------------------

# Folders are listed too, since the time of a folder is what a deleted file changes.
SOURCES := $(shell find core macros rt-tokio rt-asyncstd rt-smol py -name __pycache__ -prune -o -print) \
  Cargo.toml $(wildcard Cargo.lock)

# The sdists are made with the command that pip uses: `maturin sdist` does the same, but says on its way that it finds no
# Cargo.toml, which sounds like an error and is none.
wheels: $(DIST)/.built ## Fill dist/ with a wheel and an sdist of each package

$(DIST)/.built: $(TOOLS) $(SOURCES)
	rm -rf $(DIST)
	mkdir -p $(DIST)
	$(call say,wheels: crossawait)
	cd py/dist/crossawait && $(BIN)/python -m hatchling build --directory $(DIST)
	for runtime in $(RUNTIMES); do \
	  printf '\n==> wheels: crossawait-%s\n' $$runtime; \
	  cd $(CURDIR)/py/dist/$$runtime; \
	  $(BIN)/maturin build --release --locked --interpreter $(BIN)/python --out $(DIST); \
	  $(BIN)/maturin pep517 write-sdist --sdist-directory $(DIST); \
	done
	touch $@

INSTALLED := $(VENV)/.installed

install: $(INSTALLED) ## Install crossawait[all] from dist/ into .venv

$(INSTALLED): $(DIST)/.built
	$(call say,install: crossawait[all] from dist/)
	$(BIN)/python -m pip --isolated install --quiet --disable-pip-version-check --no-index --find-links $(DIST) \
	  --force-reinstall "crossawait[all]"
	touch $@

demo: install ## Build, install, run the demonstration and compare the runtimes
	$(call say,demo)
	$(BIN)/python examples/demo.py
	$(BIN)/crossawait bench --quick --loop asyncio

EXTENSION := $(VENV)/.test-extension

$(EXTENSION): $(INSTALLED) $(shell find tests/src -type f) tests/Cargo.toml tests/pyproject.toml tests/crossawait_tests.pyi
	$(call say,tests: the extension that the Python suites drive)
	rm -rf $(CARGO_TARGET_DIR)/test-extension
	cd tests && $(BIN)/maturin build --locked --interpreter $(BIN)/python --out $(CARGO_TARGET_DIR)/test-extension
	$(BIN)/python -m pip --isolated install --quiet --disable-pip-version-check --no-index --no-deps --force-reinstall \
	  $(CARGO_TARGET_DIR)/test-extension/*.whl
	touch $@

EXAMPLES := $(VENV)/.example-awaitable $(VENV)/.example-template

example-awaitable: $(VENV)/.example-awaitable ## Build and install the extension of docs/awaitable.md

example-template: $(VENV)/.example-template ## Build and install the extension to start from

$(VENV)/.example-%: $(INSTALLED) $(shell find examples -type f -not -path '*/target/*' -not -name '*.pyc')
	$(call say,example: the extension in examples/$*)
	rm -rf $(CARGO_TARGET_DIR)/example-$*
	cd examples/$* && $(BIN)/maturin build --locked --interpreter $(BIN)/python --out $(CARGO_TARGET_DIR)/example-$*
	$(BIN)/python -m pip --isolated install --quiet --disable-pip-version-check --no-index --no-deps --force-reinstall \
	  $(CARGO_TARGET_DIR)/example-$*/*.whl
	touch $@

# Three builds are the same module, so each is in a folder of its own and none in the environment.
# $(call build-redis,FOLDER,OPTIONS OF MATURIN), in examples/redis
build-redis = for runtime in $(RUNTIMES); do \
  printf '\n==> example: Redis on %s\n' $$runtime; \
  rm -rf $(1)/$$runtime; \
  $(BIN)/maturin build --locked --features $$runtime --interpreter $(BIN)/python --out $(1)/$$runtime/wheel $(2); \
  $(BIN)/python -m pip --isolated install --quiet --disable-pip-version-check --no-index --no-deps \
    --target $(1)/$$runtime/site $(1)/$$runtime/wheel/*.whl; \
done

# Said before minutes go into the build.
need-redis-server = @command -v redis-server >/dev/null || { \
  echo "redis-server is not on the path; on Debian and Ubuntu: apt-get install --yes redis-server" >&2; exit 1; }

REDIS := $(CARGO_TARGET_DIR)/example-redis

example-redis: $(INSTALLED) ## Build examples/redis on each runtime, and test it against a redis-server
	$(need-redis-server)
	cd examples/redis; $(call build-redis,$(REDIS),)
	cd examples/redis; for runtime in $(RUNTIMES); do \
	  printf '\n==> test: Redis on %s\n' $$runtime; \
	  EXAMPLE_RUNTIME=$$runtime PYTHONPATH=$(REDIS)/$$runtime/site $(BIN)/pytest -c pyproject.toml; \
	done

# What the reliability suite tries and draws with: $(VENV)/.servers, $(VENV)/.plotting.
EXTRAS := $(VENV)/.servers $(VENV)/.plotting

$(EXTRAS): $(VENV)/.%: $(TOOLS) tests/reliability/requirements-%.txt
	$(call say,tools: $*)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement tests/reliability/requirements-$*.txt
	touch $@

# --- Tests -------------------------------------------------------------------------------------------------------

test: lint-rust lint-python test-rust instructions loom sanitizers test-python example-redis conformance ## Run every check and every test
	$(call say,test: all passed)

lint-rust: $(TOOLS) ## rustfmt and clippy, warnings are errors
	$(call say,lint: rustfmt)
	cargo fmt --all --check
	for extension in peers pyo3-async uniffi; do cargo fmt --manifest-path bench/$$extension/Cargo.toml --check; done
	for example in awaitable template redis; do cargo fmt --manifest-path examples/$$example/Cargo.toml --check; done
	$(call say,lint: the lock files outside the workspace are in step with the crates)
	for extension in peers pyo3-async uniffi; do \
	  cargo metadata --manifest-path bench/$$extension/Cargo.toml --locked --format-version 1 >/dev/null; \
	done
	$(call say,lint: clippy)
	cargo clippy --workspace --all-targets --all-features --locked -- -D warnings
	for example in awaitable template; do \
	  cargo clippy --manifest-path examples/$$example/Cargo.toml --all-targets --locked -- -D warnings; \
	done
	for runtime in $(RUNTIMES); do \
	  cargo clippy --manifest-path examples/redis/Cargo.toml --features $$runtime --all-targets --locked -- -D warnings; \
	done

lint-python: $(EXTENSION) $(EXAMPLES) ## ruff, mypy --strict, and stubtest on what is installed
	$(call say,lint: ruff)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(call say,lint: mypy)
	$(BIN)/mypy
	$(call say,lint: stubtest against the installed wheels)
	$(BIN)/stubtest crossawait _crossawait_tokio _crossawait_async_std _crossawait_smol

test-rust: install ## Rust tests
	$(call say,test: Rust)
	$(EMBEDDED) cargo test --workspace --locked

test-python: $(EXTENSION) $(EXAMPLES) $(VENV)/.servers ## Python tests against the installed wheels, packaging tests among them
	$(call say,test: Python)
	CROSSAWAIT_DIST=$(DIST) $(BIN)/pytest $(PYTEST_OPTIONS)

conformance: $(EXTENSION) ## CPython's own suites for asyncio, with our awaitable in them
	$(call say,test: conformance)
	$(BIN)/python tests/cpython

instructions: $(TOOLS) ## Count the instructions of the hot paths; over 5 % more than known fails (apt-get install valgrind)
	$(call say,test: instructions of the hot paths)
	$(EMBEDDED) $(BIN)/python tests/instructions/count.py $(COUNT_OPTIONS)

accept-instructions: $(TOOLS) ## Make the instructions that are counted now what is known
	$(call say,test: instructions of the hot paths)
	$(EMBEDDED) $(BIN)/python tests/instructions/count.py --accept

TIMES ?= 200
PATIENCE ?= 1

reliability: $(EXTENSION) $(VENV)/.servers ## Try to break every promise, TIMES times (200) each, and print the table; an hour
	$(call say,reliability)
	$(BIN)/python tests/reliability --times $(TIMES) --spread --patience $(PATIENCE) --json tests/reliability/results.json --page docs/reliability.md

MINUTES ?= 10

soak: $(EXTENSION) $(VENV)/.plotting ## Use all runtimes at once for MINUTES (10), and draw what they had in use: docs/soak.png
	$(call say,soak)
	$(BIN)/python tests/reliability/soak.py --minutes $(MINUTES) --plot docs/soak.png

test-all-pythons: ## Build and test with every supported Python on PATH or in pyenv; PYTHONS="3.12 3.13" for some
	$(call say,test: all Pythons)
	MAKE="$(MAKE)" $(PYTHON) tests/all_pythons.py $(PYTHONS)

include proofs.mk

# --- Benchmarks --------------------------------------------------------------------------------------------------

bench-rust: $(TOOLS) ## Time cell, queue and awaitable by themselves; BENCH_OPTIONS="queue" for some
	$(call say,bench: parts of the core)
	$(EMBEDDED) cargo bench --package crossawait-core --features __bench --locked --bench parts -- $(BENCH_OPTIONS)

PEERS := $(CARGO_TARGET_DIR)/bench-peers

bench-peers: $(TOOLS) ## Compare with PyO3, pyo3-async-runtimes and asyncio; writes the README's table and chart
	$(call say,bench: the extension that has most bridges; those of UniFFI and of pyo3-async where its PyO3 builds)
	rm -rf $(PEERS)
	cd bench/peers && $(BIN)/maturin build --release --locked --interpreter $(BIN)/python --out $(PEERS)
	cd bench/uniffi && $(BIN)/maturin build --release --locked --interpreter $(BIN)/python --out $(PEERS)
	if $(BIN)/python -c 'import sys; sys.exit(sys.version_info >= (3, 13))'; then \
	  cd bench/pyo3-async && $(BIN)/maturin build --release --locked --interpreter $(BIN)/python --out $(PEERS); \
	fi
	$(BIN)/python -m pip --isolated install --quiet --disable-pip-version-check --no-index --force-reinstall $(PEERS)/*.whl
	$(call say,bench: peers)
	$(BIN)/python bench/peers.py --json bench/results/peers.json
	$(BIN)/python bench/publish.py

bench-redis: $(TOOLS) ## Compare examples/redis with redis.asyncio
	$(need-redis-server)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement examples/redis/requirements-bench.txt
	cd examples/redis; $(call build-redis,$(REDIS)-release,--release)
	$(call say,bench: Redis)
	$(BIN)/python examples/redis/bench.py --json examples/redis/results.json \
	  $(foreach runtime,$(RUNTIMES),$(REDIS)-release/$(runtime)/site)

clean: ## Remove everything that was built
	rm -rf $(DIST) $(VENV) $(CARGO_TARGET_DIR) .mypy_cache .pytest_cache .ruff_cache .hypothesis

# --- Proofs ------------------------------------------------------------------------------------------------------
# What looks for races and wild memory, by other means than tests that happen to meet them; see docs/soundness.md.

.PHONY: proofs loom planted miri sanitizers tsan asan memcheck deny advisories

proofs: loom planted sanitizers memcheck deny ## Everything that looks for races and wild memory, and cargo-deny
	$(call say,proofs: all passed)

# Each builds the workspace in its own way, in a folder of its own.
LOOM = RUSTFLAGS="--cfg crossawait_loom" CARGO_TARGET_DIR=$(CARGO_TARGET_DIR)/loom

loom: $(TOOLS) ## Models of the cell and the queues, in every order of their threads; LOOM_MAX_PREEMPTIONS=4 for more
	$(call say,proofs: models)
	$(LOOM) $(EMBEDDED) cargo test --package crossawait-core --lib --locked

planted: $(TOOLS) ## Whether the models find bugs that are planted
	$(call say,proofs: planted bugs)
	$(LOOM) $(EMBEDDED) $(BIN)/python tests/proofs/planted.py $(CARGO_TARGET_DIR)/planted

# Only nightly compilers have Miri, as a component, so this is no part of `make proofs`. It interprets Rust and nothing else:
# what needs Python, or a fork, is left out by `cfg(miri)`. Isolated from the system, tests would have neither clock nor
# descriptors.
MIRI_TOOLCHAIN ?= nightly
MIRI = MIRIFLAGS="-Zmiri-disable-isolation $${MIRIFLAGS:-}" PROPTEST_CASES=$${PROPTEST_CASES:-16} \
  CARGO_TARGET_DIR=$(CARGO_TARGET_DIR)/miri cargo +$(MIRI_TOOLCHAIN) miri

miri: $(TOOLS) ## Unit tests of the core under Miri; needs a nightly compiler with that component
	@cargo +$(MIRI_TOOLCHAIN) miri --version >/dev/null 2>&1 || { \
	  echo 'The toolchain "$(MIRI_TOOLCHAIN)" has no Miri, and nothing was looked for. To have one:'; \
	  echo '  rustup toolchain install nightly --component miri --component rust-src'; \
	  exit 1; } >&2
	$(call say,proofs: unit tests under Miri)
	$(MIRI) test --package crossawait-core --lib --locked

# --- Sanitizers --------------------------------------------------------------------------------------------------
# Stable compilers have them behind a variable. Programs are built for a named target, so that build scripts and macros,
# which run in the compiler, stay as they are.

SANITIZERS := $(CURDIR)/tests/sanitizers
SANITIZED = $(CARGO_TARGET_DIR)/sanitize-$(1)
HOST := $(shell rustc -vV | sed -n 's/^host: //p')
# Fewer random sequences: each takes ten times as long. What tests print is not captured, and expected panics come without
# their stacks: the buffers of both are locked inside the standard library, where the sanitizer does not see it.
# Tests run an example as a process, and `--tests` alone does not build it.
SANITIZED_TESTS = export RUSTC_BOOTSTRAP=1 RUST_BACKTRACE=0 PROPTEST_CASES=256 $(EMBEDDED); \
  cargo build --workspace --locked --examples --target $(HOST) && \
  cargo test --workspace --locked --tests --target $(HOST) -- --nocapture

# What they print is kept, and its end shown if they fail.
kept = ($(SANITIZED_TESTS)) 2>$(call SANITIZED,$(1))/stderr || { tail -n 200 $(call SANITIZED,$(1))/stderr; exit 1; }

# What is part of `make test`, where the compiler brings any. ThreadSanitizer does not see into the standard library, Python and
# libuv: what another version of those does may look like a race one day. Then the report is to be read, and std.c or
# thread.supp told why it is none, rather than the target left out.
ifeq ($(HOST),x86_64-unknown-linux-gnu)
sanitizers: asan tsan ## The sanitizers that CI runs
else
sanitizers:
	@echo 'The sanitizers are set up for x86_64 Linux; nothing was looked for.'
endif

TSAN_OPTIONS := suppressions=$(SANITIZERS)/thread.supp history_size=4 report_thread_leaks=0 exitcode=66

tsan: $(TOOLS) ## Rust tests under ThreadSanitizer
	$(call say,proofs: ThreadSanitizer finds a planted race and takes nothing else for one)
	mkdir -p $(call SANITIZED,thread)
	sh $(SANITIZERS)/thread-flags.sh $(call SANITIZED,thread) >$(call SANITIZED,thread)/flags
	RUSTC_BOOTSTRAP=1 rustc --edition 2024 -g $$(cat $(call SANITIZED,thread)/flags) \
	  -o $(call SANITIZED,thread)/race $(SANITIZERS)/race.rs
	TSAN_OPTIONS="$(TSAN_OPTIONS)" $(call SANITIZED,thread)/race none
	TSAN_OPTIONS="$(TSAN_OPTIONS)" $(call SANITIZED,thread)/race planted >/dev/null 2>&1 && exit 1 || test $$? = 66
	$(call say,proofs: Rust tests under ThreadSanitizer)
	export CARGO_TARGET_DIR=$(call SANITIZED,thread) TSAN_OPTIONS="$(TSAN_OPTIONS)" \
	  RUSTFLAGS="$$(cat $(call SANITIZED,thread)/flags)"; \
	$(call kept,thread)

# Leaks are not looked for: an interpreter that ends leaves thousands of blocks, and so do tests of stuck executors. That
# nothing leaks is what the counted drops of the models and of tests/python/runtime/test_leaks.py are for. Python's objects
# come from malloc, so that one that is used too late is found too.
ASAN_FLAGS := -Zsanitizer=address -Cunsafe-allow-abi-mismatch=sanitizer
ASAN_OPTIONS := detect_leaks=0:detect_stack_use_after_return=1:exitcode=66

asan: $(TOOLS) ## Rust tests under AddressSanitizer
	$(call say,proofs: AddressSanitizer finds a planted use after free)
	mkdir -p $(call SANITIZED,address)
	RUSTC_BOOTSTRAP=1 rustc --edition 2024 $(ASAN_FLAGS) -o $(call SANITIZED,address)/wild $(SANITIZERS)/wild.rs
	ASAN_OPTIONS="$(ASAN_OPTIONS)" $(call SANITIZED,address)/wild >/dev/null 2>&1 && exit 1 || test $$? = 66
	$(call say,proofs: Rust tests under AddressSanitizer)
	export CARGO_TARGET_DIR=$(call SANITIZED,address) ASAN_OPTIONS="$(ASAN_OPTIONS)" PYTHONMALLOC=malloc \
	  RUSTFLAGS="$(ASAN_FLAGS)"; \
	$(call kept,address)

# --- Valgrind ----------------------------------------------------------------------------------------------------
# Python's own allocator would hide where one object ends and the next begins.

MEMCHECK = $(CARGO_TARGET_DIR)/memcheck
MEMCHECK_RUNTIME ?= tokio
VALGRIND = PYTHONMALLOC=malloc PYTHONPATH=$(CURDIR)/py/dist/crossawait:$(MEMCHECK)/site valgrind --quiet --fair-sched=yes \
  --num-callers=30 --error-exitcode=9 --suppressions=$(SANITIZERS)/python.supp $(BIN)/python

memcheck: $(TOOLS) ## A bounded run of everything, from Python, under valgrind (apt-get install valgrind)
	$(call say,proofs: valgrind finds a planted use after free)
	$(VALGRIND) -c 'import ctypes as c; l = c.CDLL(None); l.malloc.restype = c.c_void_p; p = l.malloc(64); \
	  l.free(c.c_void_p(p)); c.string_at(p, 64)' >/dev/null 2>&1 && exit 1 || test $$? = 9
	$(call say,proofs: a debug build of $(MEMCHECK_RUNTIME) under valgrind)
	rm -rf $(MEMCHECK)
	cd py/dist/$(MEMCHECK_RUNTIME) && $(BIN)/maturin build --locked --strip false --interpreter $(BIN)/python --out $(MEMCHECK)
	$(BIN)/python -m pip --isolated install --quiet --disable-pip-version-check --no-index --no-deps \
	  --target $(MEMCHECK)/site $(MEMCHECK)/*.whl
	$(VALGRIND) $(SANITIZERS)/memcheck.py 20 $(MEMCHECK_RUNTIME)

# --- Dependencies ------------------------------------------------------------------------------------------------

DENY_VERSION := 0.20.2
DENY := $(CARGO_TARGET_DIR)/tools/bin/cargo-deny

$(DENY):
	$(call say,tools: cargo-deny $(DENY_VERSION))
	cargo install --locked --quiet --root $(CARGO_TARGET_DIR)/tools cargo-deny@$(DENY_VERSION)

deny: $(DENY) ## Licences, duplicates and sources of what is depended on
	$(call say,proofs: licences, duplicates and sources)
	$(DENY) --locked check --hide-inclusion-graph licenses bans sources

advisories: $(DENY) ## Known vulnerabilities of what is depended on; fetches RustSec's database from GitHub
	$(call say,proofs: advisories)
	$(DENY) --locked check advisories \
	  || { echo 'If the database could not be fetched, nothing was checked: it needs github.com.'; exit 1; }

# --- Proofs ------------------------------------------------------------------------------------------------------
# What looks for races and wild memory, by other means than tests that happen to meet them; see docs/soundness.md.

.PHONY: proofs loom planted

proofs: loom planted ## Everything that looks for races and wild memory
	$(call say,proofs: all passed)

# Each builds the workspace in its own way, in a folder of its own.
LOOM = RUSTFLAGS="--cfg crossawait_loom" CARGO_TARGET_DIR=$(CARGO_TARGET_DIR)/loom

loom: $(TOOLS) ## Models of the cell and the queues, in every order of their threads; LOOM_MAX_PREEMPTIONS=4 for more
	$(call say,proofs: models)
	$(LOOM) $(EMBEDDED) cargo test --package crossawait-core --lib --locked

planted: $(TOOLS) ## Whether the models find bugs that are planted
	$(call say,proofs: planted bugs)
	$(LOOM) $(EMBEDDED) $(BIN)/python tests/proofs/planted.py $(CARGO_TARGET_DIR)/planted

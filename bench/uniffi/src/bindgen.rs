//! Writes the Python half of the bindings; maturin runs it.

fn main() {
    uniffi::uniffi_bindgen_main();
}

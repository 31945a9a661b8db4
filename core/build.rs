//! Tells the compiler which Python it is building for (`cfg(Py_3_12)` and its like).

fn main() {
    pyo3_build_config::use_pyo3_cfgs();
}

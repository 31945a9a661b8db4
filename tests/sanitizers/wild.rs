//! A planted use after free, which AddressSanitizer, as it is set up here, has to report.

fn main() {
    let freed = Box::into_raw(Box::new(42_u64));
    // SAFETY: made just above, and freed once.
    drop(unsafe { Box::from_raw(freed) });
    // SAFETY: none: this is the plant.
    println!("{}", unsafe { std::ptr::read_volatile(freed) });
}

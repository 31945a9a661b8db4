//! Whether ThreadSanitizer, as it is set up here, sees a race, and sees none where the standard library orders things.
//!
//! `race planted` has one, of the kind that a cell with too weak an ordering would have. `race none` does what took an
//! uninstrumented library for races before `std.c`.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, Once, RwLock};
use std::thread;

struct Cell {
    value: UnsafeCell<u64>,
    is_set: AtomicBool,
}

// SAFETY: none: this is the plant.
unsafe impl Sync for Cell {}

fn planted() {
    let cell = Arc::new(Cell { value: UnsafeCell::new(0), is_set: AtomicBool::new(false) });
    let writer = {
        let cell = cell.clone();
        thread::spawn(move || {
            // SAFETY: none: the store below does not publish it.
            unsafe { *cell.value.get() = 1 };
            cell.is_set.store(true, Ordering::Relaxed);
        })
    };
    while !cell.is_set.load(Ordering::Relaxed) {
        thread::yield_now();
    }
    // SAFETY: none, as above.
    println!("{}", unsafe { *cell.value.get() });
    writer.join().unwrap();
}

#[derive(Default)]
struct Shared {
    mutex: Mutex<Vec<usize>>,
    changed: Condvar,
    lock: RwLock<Vec<usize>>,
}

fn ordered() {
    static ONCE: [Once; 2_000] = [const { Once::new() }; 2_000];
    static mut MADE: [usize; 2_000] = [0; 2_000];
    let shared = Arc::new(Shared::default());
    let threads = [0, 1, 2, 3].map(|number| {
        let shared = shared.clone();
        thread::spawn(move || {
            for round in 0..2_000 {
                // SAFETY: written once, and read by those that have waited for it.
                ONCE[round].call_once(|| unsafe { MADE[round] = 1 });
                // SAFETY: as above.
                assert_eq!(unsafe { MADE[round] }, 1);
                let mut queue = shared.mutex.lock().unwrap();
                queue.push(number);
                shared.changed.notify_all();
                // Every thread comes round once for each of the others.
                while queue.len() < 4 * round {
                    queue = shared.changed.wait(queue).unwrap();
                }
                drop(queue);
                shared.lock.write().unwrap().push(round);
                assert!(!shared.lock.read().unwrap().is_empty());
            }
            // The last of them frees what all have used.
            drop(shared);
        })
    });
    drop(shared);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("planted") => planted(),
        _ => ordered(),
    }
}

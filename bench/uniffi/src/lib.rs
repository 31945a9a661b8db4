//! UniFFI's async functions: the functions of `bench/peers/src/native.rs` over again, called through ctypes.

use std::future::Future;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::runtime::Runtime;

uniffi::setup_scaffolding!();

/// tokio with its default settings, started at the first call.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("the system should grant a few threads"))
}

/// Runs a future as a task of tokio's, and waits for it. UniFFI polls what is around it on the event loop's thread.
async fn on_tokio<F>(future: F)
where
    F: Future<Output = ()> + Send + 'static,
{
    runtime().spawn(future).await.expect("the task does not panic");
}

static POLLED: AtomicU64 = AtomicU64::new(0);

#[uniffi::export]
async fn noop() {
    on_tokio(async {}).await;
}

#[uniffi::export]
async fn ready_coroutine() {}

#[uniffi::export]
async fn sleep(seconds: f64) {
    on_tokio(async move {
        POLLED.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    })
    .await;
}

#[uniffi::export]
async fn yield_now() {
    on_tokio(tokio::task::yield_now()).await;
}

/// How many futures of `sleep` the runtime has polled so far.
#[uniffi::export]
fn polled() -> u64 {
    POLLED.load(Ordering::Relaxed)
}

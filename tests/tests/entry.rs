//! Entry points as a program and a test suite use them.

use std::io::{BufRead, BufReader, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;
use std::{env, thread};

use crossawait_async_std::AsyncStd;
use crossawait_core::pyo3::prelude::*;
use crossawait_core::{Caller, Executor, Options, Runtime, run};
use crossawait_smol::Smol;
use crossawait_tests::custom::Custom;
use crossawait_tests::probe::Probe;
use crossawait_tokio::Tokio;

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The least that can be asked of Python.
async fn slept(caller: Caller, value: i64) -> PyResult<i64> {
    caller.call(move |py| py.import("asyncio")?.call_method1("sleep", (0.001, value)), |slept| slept?.extract()).await
}

fn runs_a_program(executor: impl Executor) {
    assert_eq!(run(executor, |caller| slept(caller, 42)).unwrap().unwrap(), 42);
}

#[test]
fn a_program_on_tokio() {
    runs_a_program(Tokio::new().unwrap());
}

#[test]
fn a_program_on_smol() {
    runs_a_program(Smol::new().unwrap());
}

#[test]
fn a_program_on_async_std() {
    runs_a_program(AsyncStd::new().unwrap());
}

#[test]
fn a_program_on_an_executor_of_ones_own() {
    runs_a_program(Custom::new(1, "custom"));
}

#[test]
fn what_a_program_leaves_on_its_runtime_has_been_dropped_at_the_end() {
    let probe = Probe::new();
    let left = probe.watch(std::future::pending::<()>());
    run(Tokio::new().unwrap(), |_| async { drop(tokio::spawn(left)) }).unwrap();
    assert_eq!(probe.seen().drops.len(), 1);
}

#[test]
fn also_when_it_panics() {
    let probe = Probe::new();
    let left = probe.watch(std::future::pending::<()>());
    let main = |_| async {
        drop(tokio::spawn(left));
        panic!("an expected panic");
    };
    let program = || -> PyResult<()> { run(Tokio::new().unwrap(), main) };
    let panic = catch_unwind(AssertUnwindSafe(program)).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"an expected panic"));
    assert_eq!(probe.seen().drops.len(), 1);
}

/// A runtime that tests share, as a suite would have it.
static SHARED: LazyLock<Runtime> =
    LazyLock::new(|| Runtime::new(Tokio::with_options(&Options::new().worker_threads(2)).unwrap()));

#[test]
fn a_suite_shares_its_runtime() {
    SHARED.run(|caller| async { assert_eq!(slept(caller, 1).await.unwrap(), 1) }).unwrap();
}

#[test]
fn each_test_has_a_loop_of_its_own() {
    SHARED.run(|caller| async { assert_eq!(slept(caller, 2).await.unwrap(), 2) }).unwrap();
}

#[test]
#[should_panic(expected = "assertion `left == right` failed: as it should")]
fn an_assertion_in_the_future_fails_the_test() {
    SHARED.run(|_| async { assert_eq!(1, 2, "as it should") }).unwrap();
}

/// A running examples/program.rs, which cargo builds along with the tests.
struct Program {
    child: Child,
    /// Dropped at the end of the test. Until then somebody sees to it that it does not take for ever.
    _watched: Sender<()>,
}

fn program(arguments: &[&str]) -> Program {
    let deps = env::current_exe().unwrap();
    let program = deps.parent().unwrap().with_file_name("examples").join(format!("program{}", env::consts::EXE_SUFFIX));
    assert!(program.exists(), "cargo build --example program makes what is to be run here");
    let child = Command::new(program).args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (watched, ended) = channel();
    let id = child.id().to_string();
    thread::spawn(move || {
        if ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            Command::new("kill").args(["-KILL", &id]).status().unwrap();
        }
    });
    Program { child, _watched: watched }
}

fn has_uvloop() -> bool {
    crossawait_tests::embedded::attached(|py| py.import("uvloop").is_ok())
}

#[test]
fn a_process_runs_to_its_end() {
    on_each_loop(|which| counts(&["count", which]));
    on_each_loop(|which| counts(&["count", which, "elsewhere"]));
}

fn counts(arguments: &[&str]) {
    let Program { child, _watched } = program(arguments);
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "4950\n");
    assert!(output.status.success());
}

/// Presses Ctrl-C once the program has begun.
#[cfg(unix)]
fn is_interrupted(arguments: &[&str], says: &str) -> ExitStatus {
    let Program { mut child, _watched } = program(arguments);
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut said = String::new();
    stdout.read_line(&mut said).unwrap();
    assert_eq!(said, "open\n");
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    stdout.read_to_string(&mut said).unwrap();
    let mut complaints = String::new();
    child.stderr.take().unwrap().read_to_string(&mut complaints).unwrap();
    assert_eq!((said.as_str(), complaints.as_str()), (says, ""));
    child.wait().unwrap()
}

fn on_each_loop(run: impl Fn(&str)) {
    run("asyncio");
    run("trio");
    if has_uvloop() {
        run("uvloop");
    }
}

/// The future has been dropped before `run` returns.
#[cfg(unix)]
#[test]
fn a_process_is_interrupted() {
    on_each_loop(|which| {
        let status = is_interrupted(&["serve", which], "open\nclosed\ninterrupted\n");
        assert_eq!(status.code(), Some(130));
    });
}

#[cfg(unix)]
#[test]
fn a_process_listens_for_ctrl_c_itself() {
    on_each_loop(|which| assert!(is_interrupted(&["listen", which], "open\ngoodbye\n0\n").success()));
}

/// As a test suite is, whose loops run in threads.
#[cfg(unix)]
#[test]
fn a_process_whose_loop_is_elsewhere_is_ended() {
    use std::os::unix::process::ExitStatusExt;

    const SIGINT: i32 = 2;
    on_each_loop(|which| {
        let status = is_interrupted(&["serve", which, "elsewhere"], "open\n");
        assert_eq!(status.signal(), Some(SIGINT));
    });
}

#[test]
fn threads_run_programs_side_by_side() {
    let threads = [(); 4].map(|()| thread::spawn(|| run(Custom::new(1, "custom"), |caller| slept(caller, 3))));
    for thread in threads {
        assert_eq!(thread.join().unwrap().unwrap().unwrap(), 3);
    }
}

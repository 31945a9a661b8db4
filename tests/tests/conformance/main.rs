//! One list of cases over every executor: what a runtime has to do, and what the core makes of it.
//!
//! Each case is a function that takes a [`Subject`](subject::Subject). A new executor is one line at the end.

mod blocking;
mod calls;
mod cancel;
mod endings;
mod entry;
mod io;
mod outcomes;
mod owners;
mod placement;
mod progress;
mod refusal;
mod subject;
mod threads;
mod wait;

/// Makes a test of each case.
macro_rules! each {
    ($subject:path: $($module:ident::{$($case:ident),+ $(,)?})+) => {
        $($(
            #[test]
            fn $case() {
                crate::$module::$case(&$subject());
            }
        )+)+
    };
}

/// What holds for all executors, also for those that somebody else owns.
macro_rules! conformance {
    ($subject:path) => {
        each! {
            $subject:
            outcomes::{
                value, nothing, error, error_of_another_type, panic_in_poll, panic_in_drop, panic_in_drop_after_cancel,
                panic_in_conversion, panic_with_a_strange_payload, error_in_conversion,
            }
            progress::{
                ready_at_first_poll, woken_from_another_thread, several_yields, woken_by_its_own_poll,
                dropped_before_anybody_is_told, many_at_once,
            }
            cancel::{
                before_the_first_poll, while_pending, after_completion, raced_against_completion, by_closing,
                by_throwing, by_dropping_the_last_reference, not_when_detached, not_when_awaited_once,
            }
            placement::{
                spawned_at_once, polled_first_and_ready, polled_first_and_pending, lazy_until_awaited,
                lazy_until_waited_for, lazy_and_dropped, coroutine_polls_first, coroutine_spawned,
            }
            wait::{wait_for_value, wait_for_error, wait_times_out, wait_cancelled, wait_in_several_threads}
            threads::{counted_and_named, several_instances}
            blocking::{blocking_call, blocking_call_cancelled, blocking_call_of_no_function}
            io::{timer, timer_dropped, tcp, tcp_refused, unix}
            endings::{
                shutdown_settles_what_waits, shutdown_settles_before_it_is_awaited, shutdown_is_idempotent,
                shutdown_from_a_task, shutdown_from_a_blocking_call, spawn_after_shutdown, coroutine_after_shutdown,
                an_awaitable_keeps_its_runtime_open, last_handle_dropped_in_a_task,
            }
            calls::{
                work_on_the_loop, work_that_fails, work_that_is_dropped_first, work_of_a_loop_that_is_closed,
                a_stream_of_a_call, a_blocked_loop_is_not_waited_for,
            }
            entry::{
                main_gives_what_it_gives, main_is_polled_on_the_runtime, main_calls_python, main_hears_of_errors,
                a_panic_of_main_goes_on, main_runs_again_and_in_several_threads, main_runs_on_other_loops,
                a_runner_has_to_run_main_once, main_is_dropped_when_it_is_interrupted,
                python_tasks_that_main_leaves_are_cancelled, main_does_not_run_inside_a_loop,
                main_does_not_run_inside_a_task, main_does_not_run_on_a_closed_runtime, main_ends_with_its_runtime,
            }
        }
    };
}

/// What holds besides for those that end with their runtime.
macro_rules! owned {
    ($subject:path) => {
        conformance!($subject);
        each! {
            $subject:
            endings::{a_detached_future_ends_with_its_runtime}
        }
    };
}

#[rustfmt::skip]
mod executors {
    mod tokio { owned!(crate::subject::tokio); }
    mod async_std { owned!(crate::subject::async_std); }
    mod smol { owned!(crate::subject::smol); }
    mod custom { owned!(crate::subject::custom); }
    mod adopted_tokio { conformance!(crate::subject::adopted_tokio); }
    mod adopted_smol { conformance!(crate::subject::adopted_smol); }
}

//! The macros of `crossawait-core`, which re-exports them with its feature `macros`: use them from there.
//!
//! An attribute takes an `async fn`, leaves it as it is, and puts a plain function of PyO3's beside it that makes the
//! future and hands it to Python. What PyO3 does for functions (arguments, signatures, documentation) it goes on doing.
//!
//! | module | what |
//! |---|---|
//! | `options` | what stands in the parentheses of the attributes |
//! | `attributes` | which attributes are PyO3's, and which stay with the `async fn` |
//! | `check` | what cannot be turned into a coroutine, and what to write instead |
//! | `types` | what can be read from types without knowing them |
//! | `receiver` | `&self`, and `self` in the expression |
//! | `wrapper` | the function that Python calls |
//! | `function`, `methods` | the two attributes |

#![forbid(unsafe_code)]

mod attributes;
mod check;
mod function;
mod methods;
mod options;
mod receiver;
#[cfg(test)]
mod tests;
mod types;
mod wrapper;

use proc_macro::TokenStream;

/// Makes an `async fn` a Python function that returns a `Coroutine`, as calling an `async def` does.
///
/// It takes the place of PyO3's `#[pyfunction]`, whose options it takes too, in the parentheses or in `#[pyo3(…)]`. A
/// function that is not `async` it leaves to PyO3. The `async fn` itself stays: Rust calls it as before.
///
/// | option | |
/// |---|---|
/// | `runtime = EXPRESSION` | the [`Runtime`] that runs it; needed |
/// | `blocking = NAME` | makes a second function, which blocks until the future has ended: see [`block_on`] |
/// | `awaitable` | returns an `Awaitable`, started at once, in place of a coroutine |
/// | `spawn` | never polls on the thread of Python's loop: see [`Builder::spawn`] |
///
/// The expression is evaluated at each call and gives a `Runtime` or something that dereferences to one; `?` may be used
/// in it, the arguments, and `py`, the token that the thread is attached.
///
/// Arguments have to be owned and `Send`: the future outlives the call. One of the type [`Caller`] is not Python's to
/// give; it is the loop and the context of the call. What the future returns is a value that PyO3 can convert, or a
/// `Result` with an error that becomes a `PyErr`.
///
/// In an inline `#[pymodule]` write the attribute by its plain name, which is the one that PyO3 looks for there, and import
/// it outside of the module (`use super::*` inside): next to a glob of PyO3's the compiler would find it ambiguous. The
/// second functions of `blocking` are not found there, and are exported from outside: `#[pymodule_export] use super::…;`.
///
/// # Errors
/// The Python function raises what the expression raises; `RuntimeClosedError` if the runtime is shut down; and, if it
/// takes a `Caller`, `RuntimeError` where no loop runs. What goes wrong later, a panic among it, is raised by `await`.
///
/// [`Runtime`]: https://docs.rs/crossawait-core/latest/crossawait_core/struct.Runtime.html
/// [`block_on`]: https://docs.rs/crossawait-core/latest/crossawait_core/struct.Runtime.html#method.block_on
/// [`Builder::spawn`]: https://docs.rs/crossawait-core/latest/crossawait_core/struct.Builder.html#method.spawn
/// [`Caller`]: https://docs.rs/crossawait-core/latest/crossawait_core/struct.Caller.html
#[proc_macro_attribute]
pub fn pyfunction(arguments: TokenStream, item: TokenStream) -> TokenStream {
    function::expand(arguments.into(), item.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes each `async fn` of an `impl` block a method that returns a `Coroutine`.
///
/// It takes the place of PyO3's `#[pymethods]`, to which it leaves everything that is not `async`. The class has to be
/// `frozen` and `Sync`: futures share it. They take it as `&self`, for as long as they run, on whichever thread; what
/// changes in it stands in atomics or behind locks. `#[staticmethod]`s may be `async` too.
///
/// The options are those of [`pyfunction`](macro@pyfunction): `runtime` for the whole block, all of them for one method in
/// its attribute `#[crossawait(…)]`. The expression may use `self`.
#[proc_macro_attribute]
pub fn pymethods(arguments: TokenStream, item: TokenStream) -> TokenStream {
    methods::expand(arguments.into(), item.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

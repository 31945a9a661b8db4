//! What functions return to Python, with what is to be awaited in the type: generated stubs say it.

use std::convert::Infallible;
use std::marker::PhantomData;

#[cfg(feature = "experimental-inspect")]
use pyo3::inspect::PyStaticExpr;
use pyo3::prelude::*;
#[cfg(feature = "experimental-inspect")]
use pyo3::{type_hint_identifier, type_hint_subscript};

use crate::awaitable::Awaitable;
use crate::coroutine::Coroutine;

/// What stubs can say something of: what PyO3 can convert, and `Result`s of it.
#[cfg(feature = "experimental-inspect")]
pub trait Shown {
    /// Its type in Python.
    const HINT: PyStaticExpr;
}

#[cfg(feature = "experimental-inspect")]
impl<O: pyo3::impl_::introspection::PyReturnType> Shown for O {
    const HINT: PyStaticExpr = O::OUTPUT_TYPE;
}

/// Anything: nothing is shown.
#[cfg(not(feature = "experimental-inspect"))]
pub trait Shown {}

#[cfg(not(feature = "experimental-inspect"))]
impl<O> Shown for O {}

macro_rules! returned {
    ($(#[$documentation:meta] $name:ident over $object:ty, $hint:expr;)*) => {$(
        #[$documentation]
        #[derive(Debug)]
        pub struct $name<'py, O>(Bound<'py, $object>, PhantomData<fn() -> O>);

        impl<'py, O> $name<'py, O> {
            pub(super) fn new(object: Bound<'py, $object>) -> Self {
                Self(object, PhantomData)
            }
        }

        impl<'py, O: Shown> IntoPyObject<'py> for $name<'py, O> {
            type Target = $object;
            type Output = Bound<'py, $object>;
            type Error = Infallible;

            #[cfg(feature = "experimental-inspect")]
            const OUTPUT_TYPE: PyStaticExpr = $hint;

            fn into_pyobject(self, _py: Python<'py>) -> Result<Self::Output, Self::Error> {
                Ok(self.0)
            }
        }
    )*};
}

#[cfg(feature = "experimental-inspect")]
const ANY: PyStaticExpr = type_hint_identifier!("typing", "Any");

returned! {
    /// A coroutine of what `O` becomes in Python. What an `async def` is to a type checker.
    CoroutineOf over Coroutine,
        type_hint_subscript!(type_hint_identifier!("collections.abc", "Coroutine"), ANY, ANY, O::HINT);
    /// An awaitable of what `O` becomes in Python. It answers to `asyncio.Future`, which every type checker knows.
    AwaitableOf over Awaitable, type_hint_subscript!(type_hint_identifier!("asyncio", "Future"), O::HINT);
    /// What `O` becomes in Python, once it has.
    ValueOf over PyAny, O::HINT;
}

/// Stands for `()`, which becomes `None`. PyO3 by itself takes it for an empty tuple.
#[derive(Debug)]
pub struct Nothing;

impl<'py> IntoPyObject<'py> for Nothing {
    type Target = pyo3::types::PyNone;
    type Output = pyo3::Borrowed<'py, 'py, Self::Target>;
    type Error = Infallible;

    #[cfg(feature = "experimental-inspect")]
    const OUTPUT_TYPE: PyStaticExpr = <Py<pyo3::types::PyNone> as IntoPyObject<'_>>::OUTPUT_TYPE;

    fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Self::Error> {
        Ok(pyo3::types::PyNone::get(py))
    }
}

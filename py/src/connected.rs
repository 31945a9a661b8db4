//! A connection on its way to Python.

use crossawait_core::io::Socket;
use crossawait_core::{ByteStream, WeakRuntime};
use pyo3::prelude::*;

use crate::error::SocketError;

/// A new connection. Only the Python object holds on to the runtime: this may be dropped by it.
pub(crate) struct Connected {
    pub(crate) runtime: WeakRuntime,
    pub(crate) socket: Socket,
}

impl<'py> IntoPyObject<'py> for Connected {
    type Target = ByteStream;
    type Output = Bound<'py, ByteStream>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        let runtime = self.runtime.upgrade().ok_or(SocketError::RuntimeClosed)?;
        runtime.socket_into_py(py, self.socket)
    }
}
